/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs on demand: a probe runs now, or the caller joins the run that is in progress.
 *
 * done(arg, record, cached) is called once, by a thread of the scheduler, with
 *  - the record of the run, also if the run was skipped (a back-off of the registry, for example);
 *  - an older record and `cached`, if the last run ended less than the minimum distance ago;
 *  - NULL, if the deadline passed first, or if the probe or the scheduler was removed.
 * `record` is valid during the call. The planned runs of the probe stay planned, except those that
 * would follow within the minimum distance. All functions are thread-safe.
 */
#pragma once

#include "collector/history.h"
#include "metrics/family.h"

struct demand;
struct scheduler;

extern const struct metric_family demand_families[];

struct demand_options {
    const char *probe;         /* used during the call only */
    int64_t deadline_ns;       /* monotonic; also ends a run that starts for this demand */
    bool shortened;            /* the client gives less time than the timeout of the probe */
    struct progress *progress; /* NULL, or where a run that starts for this demand reports */
    void (*done)(void *arg, const struct run_record *record, bool cached);
    void *arg;
    bool forget; /* the demand is freed after done(). The caller must not use the returned pointer,
                  * and `progress` must be NULL, because the run may outlast the demand */
};

/* Returns NULL if the probe does not exist (ERROR_NOT_FOUND), if too many demands are waiting
 * (ERROR_LIMIT), or after scheduler_demand_end() (ERROR_CANCELED). done() may be called before this
 * returns. */
struct demand *scheduler_demand(struct scheduler *scheduler, const struct demand_options *options,
                                struct error *err);

/* Frees the demand. done() is not called after this returns. A run that no other demand waits for
 * is canceled; if it uses this demand's progress, the function waits for its end. done() itself may
 * call this if the demand has no progress. Must not be called after scheduler_free(). */
void scheduler_demand_drop(struct scheduler *scheduler, struct demand *demand);

/* Ends the wait of the demand with this `arg`: done() is called soon, and a run that no other
 * demand waits for is canceled. `arg` is compared, never dereferenced. */
void scheduler_demand_cancel(struct scheduler *scheduler, const void *arg);

/* Ends all waits and rejects new demands. Called before a shutdown. */
void scheduler_demand_end(struct scheduler *scheduler);

/* Counts a demand for a probe that does not exist. */
void scheduler_note_unknown(struct scheduler *scheduler);
