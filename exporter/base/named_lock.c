/* SPDX-License-Identifier: Apache-2.0 */
#include "base/named_lock.h"

#include "base/clock.h"

#include <string.h>

void named_locks_init(struct named_locks *named_locks)
{
    pthread_condattr_t monotonic;

    *named_locks = (struct named_locks){0};
    pthread_mutex_init(&named_locks->lock_, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&named_locks->changed_, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void named_locks_deinit(struct named_locks *named_locks)
{
    pthread_cond_destroy(&named_locks->changed_);
    pthread_mutex_destroy(&named_locks->lock_);
}

static bool is_next(const struct named_locks *named_locks, const struct turn *turn)
{
    for (const struct turn *other = named_locks->first_; other != turn; other = other->next_)
        if (strcmp(other->name, turn->name) == 0)
            return false;
    return true;
}

static void wake(void *arg)
{
    struct turn *turn = arg;
    LOCK_SCOPE(&turn->locks_->lock_);

    turn->canceled_ = true;
    pthread_cond_broadcast(&turn->locks_->changed_);
}

/* Asks nothing of the cancel: it wakes us with its own lock held. */
static bool wait_for(struct named_locks *named_locks, struct turn *turn, int64_t deadline_ns)
{
    struct timespec deadline = clock_timespec(deadline_ns);
    LOCK_SCOPE(&named_locks->lock_);

    while (!is_next(named_locks, turn))
        if (turn->canceled_ ||
            pthread_cond_timedwait(&named_locks->changed_, &named_locks->lock_, &deadline) != 0)
            return is_next(named_locks, turn);
    return true;
}

static void append(struct named_locks *named_locks, struct turn *turn)
{
    struct turn **end = &named_locks->first_;
    LOCK_SCOPE(&named_locks->lock_);

    while (*end)
        end = &(*end)->next_;
    *turn = (struct turn){.name = turn->name, .locks_ = named_locks};
    *end = turn;
}

bool named_lock_acquire(struct named_locks *named_locks, struct turn *turn, struct cancel *cancel,
                        struct error *err)
{
    struct cancel_watcher watcher = {.wake = wake, .arg = turn};
    bool ours;

    append(named_locks, turn);
    if (!cancel_watch(cancel, &watcher, err)) {
        named_lock_release(turn);
        return false;
    }
    ours = wait_for(named_locks, turn, cancel->deadline_ns);
    cancel_unwatch(cancel, &watcher);
    if (ours)
        return true;
    named_lock_release(turn);
    if (cancel_check(cancel, err))
        error_set(err, ERROR_TIMEOUT, "deadline exceeded");
    return error_wrap(err, "while another probe is at %s", turn->name);
}

void named_lock_release(struct turn *turn)
{
    struct named_locks *named_locks = turn->locks_;

    if (!named_locks)
        return;
    {
        LOCK_SCOPE(&named_locks->lock_);

        for (struct turn **at = &named_locks->first_; *at; at = &(*at)->next_)
            if (*at == turn) {
                *at = turn->next_;
                break;
            }
        pthread_cond_broadcast(&named_locks->changed_);
    }
    turn->locks_ = NULL;
}
