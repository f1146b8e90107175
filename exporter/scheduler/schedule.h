/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When one job runs next. Only arithmetic: both clocks are told to it.
 *
 * The inventory runs every interval, counted from its start. A probe runs by the clock on the wall:
 * at the times of its cron line, or on a grid of its interval that a hash of node and name shifts,
 * so that the probes of a fleet that was started at once do not meet. Its first run comes soon
 * after the start all the same, and the second not before half an interval has passed.
 *
 * What is due by the clock on the wall is waited for by the monotonic one, a minute at most: then
 * the clock is looked at again, lest one that was set strands the job.
 */
#ifndef SCHEDULER_SCHEDULE_H
#define SCHEDULER_SCHEDULE_H

#include "base/error.h"
#include "config/cron.h"

/* Both clocks, read together. */
struct moment {
    int64_t monotonic_ns, unix_ns;
};
struct moment moment_now(void);

/* How a run went, as far as it matters for the next one. */
struct outcome {
    enum error_code code;
    bool skipped;          /* nothing was measured */
    int64_t not_before_ns; /* monotonic; 0: nothing was said */
};

struct schedule {
    const struct cron *cron; /* NULL: the interval alone */
    int64_t interval_ns;     /* with cron: its shortest gap */
    int64_t retry_ns;        /* from a failure to the next try; 0: that one is as any other */
    int64_t shift_ns;        /* of the grid, or later than the cron line */
    int64_t delay_ns;        /* of the first run, if it does not wait for cron */
    bool by_clock;           /* on the wall */

    bool retry;    /* the run to come follows a failure, early */
    bool waiting_; /* for next_ns_: due means that the clock is to be looked at */
    int64_t due_ns_;
    int64_t next_ns_;  /* unix; the next time of the plan */
    int64_t floor_ns_; /* unix; what is planned is later than this */
};

/* `job` is a hash of node and name; `spread_ns` what the start, or cron, may be delayed by. */
void schedule_init_inventory(struct schedule *schedule, int64_t interval_ns);
void schedule_init_probe(struct schedule *schedule, const struct cron *cron, int64_t interval_ns,
                         int64_t retry_ns, int64_t spread_ns, uint64_t job);

/* Each returns when (monotonic) the job is due. */
int64_t schedule_start(struct schedule *schedule, const struct moment *now);
int64_t schedule_follow(struct schedule *schedule, const struct outcome *last,
                        const struct moment *now);

/* Asked of a job that is due: whether it is to run. If not, *due_ns is when to ask again. */
bool schedule_ripe(struct schedule *schedule, const struct moment *now, int64_t *due_ns);

/* The run comes at `due_ns` instead, because something happened. */
void schedule_hasten(struct schedule *schedule, int64_t due_ns);

/* The run comes now, because somebody asked for it. What is planned stays, but for what would come
 * before `distance_ns` has passed. */
void schedule_demand(struct schedule *schedule, const struct moment *now, int64_t distance_ns);

/* When a job that is due at `due_ns` runs next, as far as it is known: unix seconds. */
double schedule_next_unix(const struct schedule *schedule, int64_t due_ns,
                          const struct moment *now);

#endif
