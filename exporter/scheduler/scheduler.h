/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs jobs when they are due, on a fixed number of threads per lane.
 *
 * The number of threads limits the number of concurrent runs and thereby the memory of the process.
 * Runs of one job never overlap. Probes that hang may occupy every thread of their lane; the
 * inventory has threads of its own. schedule.h decides when a job is due, queue.h which job runs
 * next. A collector with watch() has a thread of its own (watcher.h), which causes early runs.
 *
 * All functions are thread-safe, except that scheduler_apply() and scheduler_free() must be called
 * by one thread at a time.
 */
#pragma once

#include "collector/board.h"
#include "collector/collector.h"
#include "config/config.h"

struct scheduler;

struct scheduler_options {
    size_t inventory_workers, probe_workers;
    int64_t spread_ns; /* jitter of the first runs of probes and of runs by cron, at most */
    const char *node;
    struct history *history;    /* of the runs of probes; NULL: none */
    int64_t demand_distance_ns; /* minimum between a run and the next on demand; 0: 10 s */
};

struct scheduler *scheduler_new(struct board *board, const struct scheduler_options *options,
                                struct error *err);

/* Cancels all runs, waits for their end and frees everything. */
void scheduler_free(struct scheduler *scheduler);
DEFINE_CLEANUP(struct scheduler *, scheduler_free)

/* Replaces the jobs by those of `config`, and takes the new ones out of it. Jobs with the same
 * settings go on; the function waits until the others have ended. On failure (a job cannot be
 * opened) nothing has changed. */
bool scheduler_apply(struct scheduler *scheduler, struct config *config, struct node *node,
                     struct error *err) MUST_CHECK;

/* Runs the jobs of LANE_SCRAPE in the calling thread. Returns at once if another thread is doing
 * so. */
void scheduler_refresh(struct scheduler *scheduler);

/* Returns whether every job of the inventory has run once. */
bool scheduler_ready(struct scheduler *scheduler);
