/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deadline of work, and a way to cancel it. Thread-safe.
 *
 * The thread that starts the work owns the struct. Any thread may call
 * cancel_now(). A function that blocks must watch the cancel while it blocks, so
 * that cancel_now() can wake it. Several watchers may exist at once: a download
 * that feeds an upload waits in both.
 */
#pragma once

#include "base/error.h"

#include <stdint.h>

struct cancel_watcher { /* on the stack of the function that blocks */
    void (*wake)(void *arg);
    void *arg;
    struct cancel_watcher *next_; /* private */
};

struct cancel {
    int64_t deadline_ns;
    pthread_mutex_t lock_; /* private */
    bool requested_;
    struct cancel_watcher *watchers_;
};

void cancel_init(struct cancel *cancel, int64_t deadline_ns);
void cancel_deinit(struct cancel *cancel);

void cancel_now(struct cancel *cancel);

/* Whether cancel_now() was called; a passed deadline does not count. */
bool cancel_requested(struct cancel *cancel);

/* False, with ERROR_CANCELED or ERROR_TIMEOUT, once the work should stop. */
bool cancel_check(struct cancel *cancel, struct error *err) MUST_CHECK;

/* Between these two, cancel_now() calls watcher->wake(arg). After unwatch() returns,
 * wake() is not running and will not run. wake() must not call cancel_*(). */
bool cancel_watch(struct cancel *cancel, struct cancel_watcher *watcher,
                  struct error *err) MUST_CHECK;
void cancel_unwatch(struct cancel *cancel, struct cancel_watcher *watcher);
