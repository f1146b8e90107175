/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership of memory and locks, visible at the declaration.
 *
 * A local variable that owns something is declared with CLEANUP() and released at
 * the end of its scope. TAKE() transfers ownership; nothing else does.
 */
#pragma once

#include <pthread.h>
#include <stdlib.h>

#define CLEANUP(fn) __attribute__((__cleanup__(fn)))

/* For `T *x_free(T *)`-like destructors: defines x_freep(), which tolerates NULL. */
#define DEFINE_CLEANUP(type, fn)        \
    static inline void fn##p(type *ptr) \
    {                                   \
        if (*ptr)                       \
            fn(*ptr);                   \
    }

#define TAKE(ptr)                   \
    __extension__({                 \
        __auto_type taken_ = (ptr); \
        (ptr) = NULL;               \
        taken_;                     \
    })

static inline void freep(void *ptr)
{
    free(*(void **)ptr);
}

static inline void mutex_unlockp(pthread_mutex_t **mutex)
{
    pthread_mutex_unlock(*mutex);
}

/* Holds `mutex` until the end of the enclosing block. */
#define LOCK_SCOPE(mutex)  \
    CLEANUP(mutex_unlockp) \
    pthread_mutex_t *scope_lock_ __attribute__((unused)) = (pthread_mutex_lock(mutex), (mutex))

#define PRINTF(fmt, args) __attribute__((__format__(__printf__, fmt, args)))
#define MUST_CHECK        __attribute__((__warn_unused_result__))
