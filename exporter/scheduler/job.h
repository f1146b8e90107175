/* SPDX-License-Identifier: Apache-2.0 */
/* A configured collector: its settings, its state and its slots on the board. The scheduler decides
 * when it runs. */
#pragma once

#include "collector/board.h"
#include "collector/collector.h"
#include "collector/history.h"
#include "config/config.h"
#include "scheduler/schedule.h"
#include "scheduler/watcher.h"

extern const struct metric_family job_families[]; /* of the runs of collectors */

struct job {
    struct config_job plan; /* owned */
    struct job_context context;
    struct board_slot *slot;        /* the collector's samples */
    struct board_slot *report_slot; /* samples about the run; NULL for probes */
    struct snapshot *initial; /* samples before the first run; NULL: none, or already posted */
    bool opened;
    bool failing, warned; /* only changes are logged */
    double last_success;  /* unix seconds; 0: never */

    /* Protected by the scheduler's lock. */
    struct job *next_due; /* in its lane's queue, waiting or running */
    struct job *next;     /* in the list of all jobs */
    int64_t due_ns;
    struct schedule schedule;
    struct cancel *running; /* NULL: no run is in progress */
    bool tried;
    struct error failure; /* of the last run of a collector; ERROR_NONE: none */
    bool removed;
    bool again;              /* the watcher reported a change during the run */
    int64_t ended_ns;        /* end of the last run */
    struct watcher *watcher; /* NULL: not watched */
    struct scheduler *scheduler;

    /* Runs on demand (demand.c). Protected by the scheduler's lock. */
    bool on_demand;           /* the run exists only because of demands */
    bool reported, abandoned; /* the current run has a record; was canceled by its last demand */
    struct schedule planned;  /* before the run on demand */
    int64_t planned_due_ns;   /* likewise */
    struct demand *progress_owner; /* the run writes into its progress */
    char last_id[RUN_ID_BYTES];    /* of the last run; "" if that was skipped or interrupted */
};

/* Takes the job out of *plan, also on failure, and opens it. Returns NULL on failure. */
struct job *job_new(struct board *board, struct config_job *plan, struct node *node,
                    struct error *err);
void job_free(struct job *job);
DEFINE_CLEANUP(struct job *, job_free)

void jobs_free(struct job *first); /* and all that follow it in the list */

/* job_show() posts the initial samples; job_hide(), after the last run, removes all samples. A job
 * that replaces another must be shown after the other is hidden, so that no series appears twice.
 */
void job_show(struct job *job);
void job_hide(struct job *job);

/* Returns whether `plan` has the collector, name and settings of the job. */
bool job_matches(const struct job *job, const struct config_job *plan);

/* Everything after `failure` is for probes only. */
struct run_options {
    struct cancel *cancel;
    struct error *failure; /* out: why a collector failed; ERROR_NONE: it succeeded. NULL: unused */
    enum run_trigger trigger;
    bool deadline_shortened;   /* the deadline is a demand's, earlier than the job's own */
    struct progress *progress; /* NULL: the run has its own */
    struct history *history;   /* NULL: none */
    /* Called with the record before job_run() returns, also for a skipped run; may be NULL.
     * `counts`: the run was neither skipped nor interrupted. */
    void (*report)(struct job *job, const struct run_record *record, bool counts);
};

/* Runs once: measures, posts, reports and logs changes. A skipped run only reports its record. */
struct outcome job_run(struct job *job, const struct run_options *options);
