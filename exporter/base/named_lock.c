/* SPDX-License-Identifier: Apache-2.0 */
#include "base/named_lock.h"

#include "base/clock.h"

#include <string.h>

void named_locks_init(struct named_locks *locks)
{
    pthread_condattr_t monotonic;

    *locks = (struct named_locks){0};
    pthread_mutex_init(&locks->lock_, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&locks->changed_, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void named_locks_deinit(struct named_locks *locks)
{
    pthread_cond_destroy(&locks->changed_);
    pthread_mutex_destroy(&locks->lock_);
}

static bool is_next(const struct named_locks *locks, const struct named_lock *lock)
{
    for (const struct named_lock *other = locks->first_; other != lock; other = other->next_)
        if (strcmp(other->name, lock->name) == 0)
            return false;
    return true;
}

static void wake(void *arg)
{
    struct named_lock *lock = arg;
    LOCK_SCOPE(&lock->locks_->lock_);

    lock->canceled_ = true;
    pthread_cond_broadcast(&lock->locks_->changed_);
}

/* Must not call cancel_*(): cancel_now() calls wake() while it holds the lock of the cancel. */
static bool wait_for(struct named_locks *locks, struct named_lock *lock, int64_t deadline_ns)
{
    struct timespec deadline = clock_timespec(deadline_ns);
    LOCK_SCOPE(&locks->lock_);

    while (!is_next(locks, lock))
        if (lock->canceled_ ||
            pthread_cond_timedwait(&locks->changed_, &locks->lock_, &deadline) != 0)
            return is_next(locks, lock);
    return true;
}

static void append(struct named_locks *locks, struct named_lock *lock)
{
    struct named_lock **end = &locks->first_;
    LOCK_SCOPE(&locks->lock_);

    while (*end)
        end = &(*end)->next_;
    *lock = (struct named_lock){.name = lock->name, .locks_ = locks};
    *end = lock;
}

bool named_lock_acquire(struct named_locks *locks, struct named_lock *lock, struct cancel *cancel,
                        struct error *err)
{
    struct cancel_watcher watcher = {.wake = wake, .arg = lock};
    bool acquired;

    append(locks, lock);
    if (!cancel_watch(cancel, &watcher, err)) {
        named_lock_release(lock);
        return false;
    }
    acquired = wait_for(locks, lock, cancel->deadline_ns);
    cancel_unwatch(cancel, &watcher);
    if (acquired)
        return true;
    named_lock_release(lock);
    if (cancel_check(cancel, err))
        error_set(err, ERROR_TIMEOUT, "deadline exceeded");
    return error_wrap(err, "waiting for another probe of %s", lock->name);
}

void named_lock_release(struct named_lock *lock)
{
    struct named_locks *locks = lock->locks_;

    if (!locks)
        return;
    {
        LOCK_SCOPE(&locks->lock_);

        for (struct named_lock **at = &locks->first_; *at; at = &(*at)->next_)
            if (*at == lock) {
                *at = lock->next_;
                break;
            }
        pthread_cond_broadcast(&locks->changed_);
    }
    lock->locks_ = NULL;
}
