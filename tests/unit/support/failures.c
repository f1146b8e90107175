/* SPDX-License-Identifier: Apache-2.0 */
#include "support/failures.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static _Thread_local struct limit {
    bool active;
    size_t left;
} allocations, threads;

void fail_allocations_after(size_t n)
{
    allocations = (struct limit){true, n};
}

void fail_threads_after(size_t n)
{
    threads = (struct limit){true, n};
}

void fail_nothing(void)
{
    allocations = threads = (struct limit){0};
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t size);

static bool fails(struct limit *limit)
{
    if (!limit->active)
        return false;
    if (limit->left == 0)
        return true;
    limit->left--;
    return false;
}

void *malloc(size_t size)
{
    return fails(&allocations) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return fails(&allocations) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size)
{
    return fails(&allocations) ? NULL : __libc_realloc(memory, size);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *arg)
{
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

    if (fails(&threads))
        return EAGAIN;
    *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
    return create(thread, attributes, start, arg);
}

#endif
