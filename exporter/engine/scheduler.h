/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs jobs when they are due, on a fixed number of threads.
 *
 * The number of threads is the number of probes at once, and with the limits of
 * each run it bounds the memory of the whole program. A job never overlaps with
 * itself: it is off the queue while it runs.
 */
#ifndef ENGINE_SCHEDULER_H
#define ENGINE_SCHEDULER_H

#include "engine/board.h"
#include "engine/collector.h"

struct scheduler;
struct job;

struct job_plan {
    const struct collector *collector;
    const char *name; /* outlives the job; the `job` label */
    int64_t interval_ns;
    int64_t timeout_ns;
};

struct scheduler *scheduler_new(struct board *board, size_t n_workers, struct error *err);

/* Cancels what runs, waits for it, frees everything. */
void scheduler_free(struct scheduler *scheduler);
DEFINE_CLEANUP(struct scheduler *, scheduler_free)

/* `state` is the collector's, already filled from the settings and opened; the job owns it. */
struct job *scheduler_add(struct scheduler *scheduler, const struct job_plan *plan, void *state);
/* Runs the jobs that belong to the scrape, in this thread. A job that another scrape is
 * running already is left alone: its last snapshot is fresh enough. */
void scheduler_refresh(struct scheduler *scheduler);

void scheduler_remove(struct scheduler *scheduler, struct job *job);

#endif
