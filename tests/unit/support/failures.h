/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes allocations and the creation of threads fail in the calling thread.
 *
 *     for (size_t n = 0; !done; n++) {
 *         fail_allocations_after(n);
 *         done = function_under_test();
 *         fail_nothing();
 *     }
 *
 * This header defines malloc(), calloc(), realloc() and pthread_create(), so it is not part of the
 * library of fixtures: the linker would use them in every test. Sanitizers have allocators of their
 * own: with them nothing fails, and the loop ends at once.
 */
#ifndef TESTS_FAILURES_H
#define TESTS_FAILURES_H

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static _Thread_local struct failure_limit {
    bool active;
    size_t left;
} allocation_limit, thread_limit;

/* The next `n` calls succeed, all later ones fail. */
static inline void fail_allocations_after(size_t n)
{
    allocation_limit = (struct failure_limit){true, n};
}

static inline void fail_threads_after(size_t n)
{
    thread_limit = (struct failure_limit){true, n};
}

static inline void fail_nothing(void)
{
    allocation_limit = thread_limit = (struct failure_limit){0};
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t size);

static bool call_fails(struct failure_limit *limit)
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
    return call_fails(&allocation_limit) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return call_fails(&allocation_limit) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size)
{
    return call_fails(&allocation_limit) ? NULL : __libc_realloc(memory, size);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *arg)
{
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

    if (call_fails(&thread_limit))
        return EAGAIN;
    *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
    return create(thread, attributes, start, arg);
}

#endif

#endif
