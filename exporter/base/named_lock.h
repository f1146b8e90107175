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
    struct turns *turns_; /* private */
    struct turn *next_;
    bool canceled_;
};

struct turns {             /* any thread may use it */
    pthread_mutex_t lock_; /* private */
    pthread_cond_t changed_;
    struct turn *first_;
};

void turns_init(struct turns *turns);
void turns_deinit(struct turns *turns);

/* Waits until all turns of this name that began before have ended. turn->name is set; both stay
 * where they are until turn_end(). */
bool turn_begin(struct turns *turns, struct turn *turn, struct cancel *cancel,
                struct error *err) MUST_CHECK;

/* Of a turn that has not begun: nothing. */
void turn_end(struct turn *turn);

#endif
