/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work on the same thing, one after the other in the order of arrival; work on different things
 * does not meet. Things are named by texts.
 */
#ifndef BASE_NAMED_LOCK_H
#define BASE_NAMED_LOCK_H

#include "base/cancel.h"

struct turn { /* with whoever works */
    const char *name;
    struct named_locks *locks_; /* private */
    struct turn *next_;
    bool canceled_;
};

struct named_locks {       /* any thread may use it */
    pthread_mutex_t lock_; /* private */
    pthread_cond_t changed_;
    struct turn *first_;
};

void named_locks_init(struct named_locks *named_locks);
void named_locks_deinit(struct named_locks *named_locks);

/* Waits until all named_locks of this name that began before have ended. turn->name is set; both
 * stay where they are until named_lock_release(). */
bool named_lock_acquire(struct named_locks *named_locks, struct turn *turn, struct cancel *cancel,
                        struct error *err) MUST_CHECK;

/* Of a turn that has not begun: nothing. */
void named_lock_release(struct turn *turn);

#endif
