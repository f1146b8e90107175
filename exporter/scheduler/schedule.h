/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Computes when a job runs next. The caller passes both clocks.
 *
 * A job of the inventory runs every interval, counted from its start. A probe runs by wall-clock
 * time: at the times of its cron line, or on a grid of its interval. A hash of node and probe name
 * shifts the grid, so that the probes of a fleet are spread over the interval. The first run
 * follows soon after the start, and the second run at least half an interval later.
 *
 * A wait for a wall-clock time is split into monotonic waits of at most one minute. Then the wall
 * clock is read again, because it may have been set.
 */
#pragma once

#include "base/error.h"
#include "config/cron.h"

/* Both clocks, read together. */
struct moment {
    int64_t monotonic_ns, unix_ns;
};
struct moment moment_now(void);

/* The result of a run, for the time of the next one. */
struct outcome {
    enum error_code code;
    bool skipped;          /* nothing was measured */
    int64_t not_before_ns; /* monotonic; 0: no constraint */
};

struct schedule {
    const struct cron *cron; /* NULL: runs by interval */
    int64_t interval_ns;     /* with cron: its shortest gap */
    int64_t retry_ns;        /* from a failure to the retry; 0: no retries */
    int64_t shift_ns;        /* of the grid, or of the cron times */
    int64_t delay_ns;        /* of the first run without cron */
    bool by_clock;           /* by wall-clock time */

    bool retry;    /* the next run is a retry */
    bool waiting_; /* for next_ns_: when due, the wall clock must be read again */
    int64_t due_ns_;
    int64_t next_ns_;  /* unix; the next planned time */
    int64_t floor_ns_; /* unix; planned times are later than this */
};

/* `job`: a hash of node and name. `spread_ns`: the maximum jitter of the first run or of cron. */
void schedule_init_inventory(struct schedule *schedule, int64_t interval_ns);
void schedule_init_probe(struct schedule *schedule, const struct cron *cron, int64_t interval_ns,
                         int64_t retry_ns, int64_t spread_ns, uint64_t job);

/* Return the due time (monotonic) of the first run, and of the run after `last`. */
int64_t schedule_start(struct schedule *schedule, const struct moment *now);
int64_t schedule_follow(struct schedule *schedule, const struct outcome *last,
                        const struct moment *now);

/* Returns whether a due job must run now. If not, *due_ns is the time of the next check. */
bool schedule_ready(struct schedule *schedule, const struct moment *now, int64_t *due_ns);

/* Moves the next run to `due_ns`. */
void schedule_hasten(struct schedule *schedule, int64_t due_ns);

/* Moves the next run to `now`, on demand. Planned times stay, except those within `distance_ns`. */
void schedule_demand(struct schedule *schedule, const struct moment *now, int64_t distance_ns);

/* Returns the expected time of the next run of a job that is due at `due_ns`, in unix seconds. */
double schedule_next_unix(const struct schedule *schedule, int64_t due_ns,
                          const struct moment *now);
