/* SPDX-License-Identifier: Apache-2.0 */
#include "base/named_lock.h"

#include "base/clock.h"

#include <string.h>

void turns_init(struct turns *turns)
{
    pthread_condattr_t monotonic;

    *turns = (struct turns){0};
    pthread_mutex_init(&turns->lock_, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&turns->changed_, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void turns_deinit(struct turns *turns)
{
    pthread_cond_destroy(&turns->changed_);
    pthread_mutex_destroy(&turns->lock_);
}

static bool is_next(const struct turns *turns, const struct turn *turn)
{
    for (const struct turn *other = turns->first_; other != turn; other = other->next_)
        if (strcmp(other->name, turn->name) == 0)
            return false;
    return true;
}

static void wake(void *arg)
{
    struct turn *turn = arg;
    LOCK_SCOPE(&turn->turns_->lock_);

    turn->canceled_ = true;
    pthread_cond_broadcast(&turn->turns_->changed_);
}

/* Asks nothing of the cancel: it wakes us with its own lock held. */
static bool wait_for(struct turns *turns, struct turn *turn, int64_t deadline_ns)
{
    struct timespec deadline = clock_timespec(deadline_ns);
    LOCK_SCOPE(&turns->lock_);

    while (!is_next(turns, turn))
        if (turn->canceled_ ||
            pthread_cond_timedwait(&turns->changed_, &turns->lock_, &deadline) != 0)
            return is_next(turns, turn);
    return true;
}

static void append(struct turns *turns, struct turn *turn)
{
    struct turn **end = &turns->first_;
    LOCK_SCOPE(&turns->lock_);

    while (*end)
        end = &(*end)->next_;
    *turn = (struct turn){.name = turn->name, .turns_ = turns};
    *end = turn;
}

bool turn_begin(struct turns *turns, struct turn *turn, struct cancel *cancel, struct error *err)
{
    struct cancel_watcher watcher = {.wake = wake, .arg = turn};
    bool ours;

    append(turns, turn);
    if (!cancel_watch(cancel, &watcher, err)) {
        turn_end(turn);
        return false;
    }
    ours = wait_for(turns, turn, cancel->deadline_ns);
    cancel_unwatch(cancel, &watcher);
    if (ours)
        return true;
    turn_end(turn);
    if (cancel_check(cancel, err))
        error_set(err, ERROR_TIMEOUT, "deadline exceeded");
    return error_wrap(err, "while another probe is at %s", turn->name);
}

void turn_end(struct turn *turn)
{
    struct turns *turns = turn->turns_;

    if (!turns)
        return;
    {
        LOCK_SCOPE(&turns->lock_);

        for (struct turn **at = &turns->first_; *at; at = &(*at)->next_)
            if (*at == turn) {
                *at = turn->next_;
                break;
            }
        pthread_cond_broadcast(&turns->changed_);
    }
    turn->turns_ = NULL;
}
