/* SPDX-License-Identifier: Apache-2.0 */
/* The demands of a scheduler, for scheduler.c. The caller must hold the scheduler's lock, except
 * where noted. */
#pragma once

#include "scheduler/demand.h"
#include "scheduler/job.h"

struct demands {
    struct demand *first;
    pthread_cond_t changed;
    pthread_t thread;
    bool started, stopping;
    bool closed; /* new demands are rejected */
    struct board_slot *slot;
    double unknown; /* demands for probes that do not exist */
};

/* Start and stop the thread that answers demands; called without the lock. The stop comes after the
 * last run and frees all demands. */
bool demands_start(struct scheduler *scheduler, struct error *err);
void demands_stop(struct scheduler *scheduler);

/* A run of the job begins: sets `options` for the demands that wait for it. Returns the deadline of
 * the run: `end_ns`, or the latest deadline of the demands if only they need the run. */
int64_t demands_begin_run(struct scheduler *scheduler, struct job *job, struct run_options *options,
                          int64_t end_ns);
/* The run has a record; fits run_options.report. Called without the lock. */
void demands_report(struct job *job, const struct run_record *record, bool counts);
/* The run has ended, and the job is queued again. */
void demands_end_run(struct scheduler *scheduler, struct job *job);
/* The job was removed. */
void demands_remove_job(struct scheduler *scheduler, const struct job *job);
