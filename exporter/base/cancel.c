/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cancel.h"

#include "base/clock.h"

#include <assert.h>

void cancel_init(struct cancel *cancel, int64_t deadline_ns)
{
    *cancel = (struct cancel){.deadline_ns = deadline_ns};
    pthread_mutex_init(&cancel->lock_, NULL);
}

void cancel_deinit(struct cancel *cancel)
{
    assert(!cancel->watchers_);
    pthread_mutex_destroy(&cancel->lock_);
}

void cancel_now(struct cancel *cancel)
{
    LOCK_SCOPE(&cancel->lock_);

    cancel->requested_ = true;
    for (struct cancel_watcher *w = cancel->watchers_; w; w = w->next_)
        w->wake(w->arg);
}

bool cancel_requested(struct cancel *cancel)
{
    LOCK_SCOPE(&cancel->lock_);

    return cancel->requested_;
}

static bool check_locked(struct cancel *cancel, struct error *err)
{
    if (cancel->requested_)
        return error_set(err, ERROR_CANCELED, "canceled");
    if (clock_now_ns() >= cancel->deadline_ns)
        return error_set(err, ERROR_TIMEOUT, "deadline exceeded");
    return true;
}

bool cancel_check(struct cancel *cancel, struct error *err)
{
    LOCK_SCOPE(&cancel->lock_);

    return check_locked(cancel, err);
}

bool cancel_watch(struct cancel *cancel, struct cancel_watcher *watcher, struct error *err)
{
    LOCK_SCOPE(&cancel->lock_);

    if (!check_locked(cancel, err))
        return false;
    watcher->next_ = cancel->watchers_;
    cancel->watchers_ = watcher;
    return true;
}

void cancel_unwatch(struct cancel *cancel, struct cancel_watcher *watcher)
{
    struct cancel_watcher **at = &cancel->watchers_;
    LOCK_SCOPE(&cancel->lock_);

    while (*at && *at != watcher)
        at = &(*at)->next_;
    if (*at)
        *at = watcher->next_;
}
