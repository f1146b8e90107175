/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs jobs when they are due, on a fixed number of threads per lane.
 *
 * The number of threads is the number of jobs at once, and with the limits of
 * each run it bounds the memory of the whole program. A job never overlaps with
 * itself. Probes that hang may hold every worker of their lane; the inventory
 * has workers of its own. When a job is due is engine/schedule.h's business,
 * who is next engine/queue.h's.
 *
 * A collector with watch() has a thread of its own beside (engine/watcher.h): what
 * it sees lets the next run come early, at most one, and never right after another.
 *
 * apply() is the start and every reload: jobs whose fingerprint did not change
 * go on with their state and their schedule. It is called by one thread at a time.
 */
#ifndef ENGINE_SCHEDULER_H
#define ENGINE_SCHEDULER_H

#include "engine/board.h"
#include "engine/collector.h"
#include "engine/config.h"

struct scheduler;

struct scheduler_options {
    size_t inventory_workers, probe_workers;
    int64_t spread_ns; /* first runs of probes, and those by cron, come within this time */
    const char *node;
};

struct scheduler *scheduler_new(struct board *board, const struct scheduler_options *options,
                                struct error *err);

/* Cancels what runs, waits for it, frees everything. */
void scheduler_free(struct scheduler *scheduler);
DEFINE_CLEANUP(struct scheduler *, scheduler_free)

/* Takes the jobs it needs out of `config`. On failure (a job could not be opened) nothing has
 * changed. Waits until the jobs that are no longer wanted have ended. */
bool scheduler_apply(struct scheduler *scheduler, struct config *config, struct shared *shared,
                     struct error *err) MUST_CHECK;

/* Runs the jobs that belong to the scrape, in this thread. If another scrape is at it, nothing is
 * done: what that one posts is fresh enough. */
void scheduler_refresh(struct scheduler *scheduler);

/* Whether every job of the inventory has been tried once. */
bool scheduler_ready(struct scheduler *scheduler);

#endif
