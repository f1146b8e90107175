/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks with names, granted in the order of arrival (FIFO). Holders of different names do not wait
 * for each other. Thread-safe.
 */
#pragma once

#include "base/cancel.h"

struct named_lock { /* of the holder, or of a thread that waits */
    const char *name;
    struct named_locks *locks_; /* private */
    struct named_lock *next_;
    bool canceled_;
};

struct named_locks {
    pthread_mutex_t lock_; /* private */
    pthread_cond_t changed_;
    struct named_lock *first_;
};

void named_locks_init(struct named_locks *locks);
void named_locks_deinit(struct named_locks *locks);

/* Waits until all earlier locks with this name are released. The caller must set lock->name; lock
 * and name must stay where they are until named_lock_release(). */
bool named_lock_acquire(struct named_locks *locks, struct named_lock *lock, struct cancel *cancel,
                        struct error *err) MUST_CHECK;

/* Does nothing if the caller does not hold the lock. */
void named_lock_release(struct named_lock *lock);
