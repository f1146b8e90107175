/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configured collector: its settings and state, its places on the board, its
 * record of how it went. Runs once when told to; when that is, is the
 * scheduler's business.
 */
#ifndef SCHEDULER_JOB_H
#define SCHEDULER_JOB_H

#include "collector/board.h"
#include "collector/collector.h"
#include "collector/history.h"
#include "config/config.h"
#include "scheduler/schedule.h"
#include "scheduler/watcher.h"

extern const struct metric_family job_families[]; /* what a job tells of itself */

struct job {
    struct config_job plan; /* owned */
    struct job_context context;
    struct board_slot *slot;        /* what the collector measured */
    struct board_slot *report_slot; /* how the run itself went; NULL for probes, who tell it all */
    struct snapshot *beginning;     /* NULL once it is shown, or if there is none */
    bool opened;
    bool failing, warned; /* so that only changes are logged */
    double last_success;  /* unix seconds; 0: never */

    /* The scheduler's, under its lock. */
    struct job *next_due; /* in its lane's queue: those that wait, or those that run */
    struct job *next;     /* in the list of all jobs */
    int64_t due_ns;
    struct schedule schedule;
    struct cancel *running; /* NULL unless a thread has it */
    bool tried;
    bool removed;
    bool again;               /* it was told of a change while it ran */
    int64_t ended_ns;         /* when the last run did */
    struct watcher *watcher;  /* NULL: not watched; ends with the job */
    struct scheduler *runner; /* whose job it is */

    /* Runs on demand (demand.c); likewise under its lock. */
    bool on_demand;             /* it runs, or is to, because somebody asked and for no one else */
    bool told, abandoned;       /* of the run that goes on: its record is out; nobody wants it */
    struct schedule planned;    /* as it was before it was hastened */
    int64_t planned_due_ns;     /* likewise */
    struct demand *lender;      /* whose progress the run writes into */
    char last_id[RUN_ID_BYTES]; /* of the last run; "" if that says nothing about the node */
};

/* Takes the job out of *plan, also on failure, and opens it. */
struct job *job_new(struct board *board, struct config_job *plan, struct node *node,
                    struct error *err);
void job_free(struct job *job);
DEFINE_CLEANUP(struct job *, job_free)

/* Shows the beginning; takes off the board all that the job shows, after its last run. A job that
 * replaces another is shown when the other is hidden, lest a series stand twice on a page. */
void job_show(struct job *job);
void job_hide(struct job *job);

bool job_matches(const struct job *job, const struct config_job *plan);

/* How a job is to run, this time. All but `cancel` matter to probes only. */
struct job_turn {
    struct cancel *cancel;
    enum run_trigger trigger;
    bool hurried;              /* the deadline is another's, and sooner than the job's own */
    struct progress *progress; /* somebody's, to write into; NULL: the run has its own */
    struct history *history;   /* NULL: nothing is kept */
    /* How it went, before job_run() returns; also of a run that was skipped. `counts`: it says
     * something about the node. NULL: nobody wants to know. */
    void (*tell)(struct job *job, const struct run_record *record, bool counts);
};

/* One run: measures, posts, reports, logs a change; a skipped one does nothing of this. */
struct outcome job_run(struct job *job, const struct job_turn *turn);

#endif
