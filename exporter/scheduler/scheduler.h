/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs jobs when they are due, on a fixed number of threads per lane.
 *
 * The number of threads is the number of jobs at once, and with the limits of
 * each run it bounds the memory of the whole program. A job never overlaps with
 * itself. Probes that hang may hold every worker of their lane; the inventory
 * has workers of its own. When a job is due is scheduler/schedule.h's business,
 * who is next scheduler/queue.h's.
 *
 * A collector with watch() has a thread of its own beside (scheduler/watcher.h): what
 * it sees lets the next run come early, at most one, and never right after another.
 *
 * apply() is the start and every reload: jobs whose fingerprint did not change
 * go on with their state and their schedule. It is called by one thread at a time.
 */
#ifndef SCHEDULER_SCHEDULER_H
#define SCHEDULER_SCHEDULER_H

#include "collector/board.h"
#include "collector/collector.h"
#include "config/config.h"

struct scheduler;

struct scheduler_options {
    size_t inventory_workers, probe_workers;
    int64_t spread_ns; /* first runs of probes, and those by cron, come within this time */
    const char *node;
    struct history *history;    /* where runs of probes are kept; NULL: nowhere */
    int64_t demand_distance_ns; /* between a run and the next on demand; 0: 10 s */
};

struct scheduler *scheduler_new(struct board *board, const struct scheduler_options *options,
                                struct error *err);

/* Cancels what runs, waits for it, frees everything. */
void scheduler_free(struct scheduler *scheduler);
DEFINE_CLEANUP(struct scheduler *, scheduler_free)

/* Takes the jobs it needs out of `config`. On failure (a job could not be opened) nothing has
 * changed. Waits until the jobs that are no longer wanted have ended. */
bool scheduler_apply(struct scheduler *scheduler, struct config *config, struct node *node,
                     struct error *err) MUST_CHECK;

/* Runs the jobs that belong to the scrape, in this thread. If another scrape is at it, nothing is
 * done: what that one posts is fresh enough. */
void scheduler_refresh(struct scheduler *scheduler);

/*
 * A run on demand: the probe `name` runs now, unless it is running already; then that run is the
 * one. done(arg, record, cached) is called once, from a thread of the scheduler: with the run's
 * record; with that of a run that was skipped, because the registry asked to be left alone, say;
 * with an older one and cached = true, if the last run ended less than the minimum distance ago; or
 * with NULL, if the deadline passed first (every worker was busy, perhaps), or the probe or the
 * scheduler is gone. `record` is valid during the call.
 *
 * What is planned for the probe stays planned, but for what would come right after.
 */
struct demand;

struct demand_options {
    const char *probe;         /* used during the call only */
    int64_t deadline_ns;       /* monotonic: for the run too, if it starts for this demand */
    struct progress *progress; /* NULL, or what is shown to somebody; used if the run starts now */
    void (*done)(void *arg, const struct run_record *record, bool cached);
    void *arg;
    bool forget; /* nobody drops it: it is freed when done() has returned; what scheduler_demand()
                  * returns is good for nothing but a look whether it is NULL. Not with `progress`,
                  * which the run may outlast */
};

/* NULL: there is no such probe (ERROR_NOT_FOUND), as many are waited for as may be (ERROR_LIMIT),
 * or it is too late (ERROR_CANCELED). done() may be called before this returns. */
struct demand *scheduler_demand(struct scheduler *scheduler, const struct demand_options *options,
                                struct error *err);
/* Frees the demand; where nobody has been told yet, nobody will be: done() is not called after this
 * returns. A run that was started for nobody but this demand is canceled, and waited for if it uses
 * this demand's progress. May be called by done() itself, if it has none; not after
 * scheduler_free(). */
void scheduler_demand_drop(struct scheduler *scheduler, struct demand *demand);
/* Whoever asked with this `arg` is gone: done() is called soon, if it was not, and a run that was
 * started for nobody else is canceled. Touches nothing that `arg` points to. */
void scheduler_demand_cancel(struct scheduler *scheduler, const void *arg);

/* Nobody is kept waiting any more, and no new demand is taken: for the time before the end. */
void scheduler_demand_end(struct scheduler *scheduler);

/* Somebody asked for a probe that there is not: counted. */
void scheduler_note_unknown(struct scheduler *scheduler);

extern const struct metric_family demand_families[];

/* The probes as they are configured now, for pages: calls `visit` for each, under the lock. */
struct probe_status {
    const char *name, *operation;
    const char *schedule; /* as it is written; "": it runs every interval_ns */
    int64_t interval_ns, timeout_ns;
    int64_t slow_ns;  /* a run that takes longer is slow; 0: none is */
    double next_unix; /* when it is due; 0: it runs now */
    bool running;
};
void scheduler_probes(struct scheduler *scheduler,
                      void (*visit)(void *arg, const struct probe_status *probe), void *arg);

/* Appends its section of the config_dump configuration as YAML, without secrets. False: there is no
 * such probe. */
bool scheduler_settings(struct scheduler *scheduler, const char *probe, struct buf *out);

/* Appends the sections of all jobs: those below `collectors:`, and `probes:`. */
void scheduler_config(struct scheduler *scheduler, struct buf *out);

/* Whether every job of the inventory has been tried once. */
bool scheduler_ready(struct scheduler *scheduler);

#endif
