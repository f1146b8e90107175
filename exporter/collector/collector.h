/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between the engine and a collector.
 *
 * A collector is one file, collectors/NAME.c, that defines one constant:
 *
 *     const struct collector NAME_collector = { .name = "NAME", ... };
 *
 * The build finds it by its file name; there is no list to edit. A collector of
 * the inventory is one job; every entry of `probes:` makes one job of the
 * collector that its `operation` names. A job runs in one thread at a time, so
 * its state needs no locks.
 */
#ifndef COLLECTOR_COLLECTOR_H
#define COLLECTOR_COLLECTOR_H

#include "base/arena.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "collector/history.h"
#include "collector/setting.h"
#include "metrics/snapshot.h"

#include <stdint.h>

/* Each lane has workers of its own: a registry that hangs delays no inventory. */
enum lane {
    LANE_INVENTORY, /* asks the daemon, on a schedule */
    LANE_PROBE,     /* an entry of `probes:`; may burden registries for minutes */
    LANE_SCRAPE,    /* during the scrape: may not block, includes nothing from client/ */
};

struct node; /* what main made for all jobs (collector/node.h); the engine hands it on unseen */

/* What a job is told when it opens; outlives the job. */
struct job_context {
    const char *name;
    struct node *node;
};

/* One execution: what goes in and what comes out travel together. */
struct run {
    struct node *node;
    struct snapshot *out; /* shown even if the run fails */
    struct cancel *cancel;
    struct progress *progress; /* of a probe: its id, its log, how far it is; NULL for others */
    struct run_record *record; /* of a probe: what it tells about itself, for the history; texts
                                * have to stay until the job runs again. NULL for others */
    struct error
        warning;  /* what went wrong without making the run a failure; ERROR_NONE: nothing */
    bool retry;   /* in: it comes early, because the last one failed */
    bool hurried; /* in: somebody gave it less time than the configuration does */
    bool skipped; /* nothing was measured: nothing is shown, counted or logged, whatever run()
                   * returns; it is run again at not_before_ns, or when it is due next */
    int64_t not_before_ns; /* monotonic: the job does not run again before; 0: nothing to say */
};

/* Whether a failed run was ended by somebody, who canceled it or gave it too little time. It says
 * nothing about the node: it is shown, and not counted. */
static inline bool run_was_cut(const struct run *run, const struct error *err)
{
    if (err->code == ERROR_TIMEOUT)
        return run->hurried && clock_now_ns() >= run->cancel->deadline_ns;
    return err->code == ERROR_CANCELED && cancel_requested(run->cancel);
}

struct collector {
    const char *name; /* the file's name; for a probe also its `operation` */
    const char *help;
    const struct metric_family *families; /* ends with a NULL name; several may share a table */
    const struct setting *const
        *settings; /* tables of the job's own section, SETTINGS(...); or NULL */
    const struct setting
        *resource_settings; /* the entry of `registries:` for resource(); or NULL */
    size_t state_size;
    enum lane lane;
    const char *interval, *timeout; /* defaults, as written in the file: "30s" */
    bool opt_in;                    /* runs only if its section says enabled: true */
    bool reports_runtime; /* logs that the daemon is gone; the others fail in silence then */

    /* Optional. Whether settings that are right one by one fit together; no I/O. *key may be
     * set to the name of the setting that is wrong, so that the error points at it. May put
     * derived values into the state, with memory from `arena` (the job's own). */
    bool (*check)(void *state, struct arena *arena, const char **key, struct error *err);

    /* Optional. Which entry of `registries:` applies, and whose max_concurrent is kept; called
     * after the settings are filled and before check(); NULL if the settings make no sense. Memory
     * from `arena`. */
    const char *(*resource)(const void *state, struct arena *arena);

    /* Optional. Whether resource() can ever return `name`: an entry of `registries:` that nobody
     * would use is a mistake. */
    bool (*check_resource)(const char *name, struct error *err);

    /* Optional, once per job. close() is called for what open() returned true. */
    bool (*open)(void *state, const struct job_context *context, struct error *err);
    void (*close)(void *state);

    /* Optional. What is shown from the start, before the first run: counters at 0. */
    void (*begin)(const void *state, struct snapshot *out);

    /* Optional. Waits, for as long as it takes, until a run is worth having early, and returns
     * true; or false with *err where it cannot watch now (it is called again after a pause). Runs
     * on a thread of its own, at the same time as run(): what they share needs a lock. */
    bool (*watch)(void *state, struct cancel *cancel, struct error *err);

    /* Optional, of a probe: how long a run may take before it counts as slow; 0: as long as it
     * likes. The settings are all that it looks at: it may be called at any time. */
    int64_t (*slow_ns)(const void *state);

    /* Measures once. */
    bool (*run)(void *state, struct run *run, struct error *err);
};

#endif
