/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between the scheduler and a collector.
 *
 * A collector is one file, collectors/NAME.c, that defines one constant:
 *
 *     const struct collector NAME_collector = { .name = "NAME", ... };
 *
 * The build finds it by its file name. A collector of the inventory is one job. Every entry of
 * `probes:` is one job of the collector that its `operation` names. A job runs in one thread at a
 * time, so its state needs no locks.
 */
#pragma once

#include "base/arena.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "collector/history.h"
#include "collector/setting.h"
#include "metrics/snapshot.h"

#include <stdint.h>

/* Each lane has threads of its own, so a registry that hangs does not delay the inventory. */
enum lane {
    LANE_INVENTORY, /* queries the daemon, on a schedule */
    LANE_PROBE,     /* an entry of `probes:`; a run may take minutes */
    LANE_SCRAPE,    /* runs during the scrape; must not block, must not use daemons or registries */
};

struct node; /* shared by all jobs (collector/node.h); opaque to the scheduler */

/* Passed to open(); outlives the job. */
struct job_context {
    const char *name;
    struct node *node;
};

/* Inputs and results of one run. */
struct run {
    struct node *node;
    struct snapshot *out; /* posted even if the run fails */
    struct cancel *cancel;
    struct progress *progress; /* of a probe: its id, log and progress; NULL for others */
    struct run_record *record; /* of a probe, for the history; texts must stay valid until the next
                                * run of the job. NULL for others */
    struct error warning;      /* a problem that is not a failure; ERROR_NONE: none */
    bool retry;                /* in: an early run after a failure */
    bool deadline_shortened;   /* in: a demand's deadline is earlier than the configured timeout */
    bool skipped; /* out: nothing was measured; nothing is posted, counted or logged, whatever
                   * run() returns. The next run is at not_before_ns, or when it is due */
    int64_t not_before_ns; /* out: monotonic; the job must not run before; 0: no constraint */
};

/* Returns whether a failed run was canceled, or ended by a shortened deadline. Such a run says
 * nothing about the node: it is posted, but not counted. */
static inline bool run_was_interrupted(const struct run *run, const struct error *err)
{
    if (err->code == ERROR_TIMEOUT)
        return run->deadline_shortened && clock_now_ns() >= run->cancel->deadline_ns;
    return err->code == ERROR_CANCELED && cancel_requested(run->cancel);
}

/* For review(): the schedule of the job, and how to warn. */
struct review {
    const char *name;
    int64_t interval_ns, timeout_ns;
    const char *every; /* the key of the interval: "interval" or "schedule" */
    bool has_docker;   /* the address of a Docker Engine is configured */
    bool opens_files;  /* review() opens the files that a run would open */
    /* `key` is the setting that the warning is about; NULL: the whole section. */
    void (*warn)(struct review *review, const char *key, const char *fmt, ...) PRINTF(3, 4);
};

struct collector {
    const char *name; /* the file's name; for a probe also its `operation` */
    const char *help;
    const struct metric_family *families;    /* ends with a NULL name; several may share a table */
    const struct setting *const *settings;   /* of the job's section: SETTINGS(...); or NULL */
    const struct setting *resource_settings; /* of the entry of `registries:`; or NULL */
    size_t state_size;
    enum lane lane;
    const char *interval, *timeout; /* defaults, as written in the file: "30s" */
    bool opt_in;                    /* disabled unless its section has enabled: true */
    bool reports_runtime; /* logs that the daemon is unavailable; the other collectors do not */

    /* Optional. Checks that the settings fit together; no I/O. May set *key to the name of the
     * invalid setting, where the error is reported. May store derived values in the state, with
     * memory from `arena` (the job's own). */
    bool (*check)(void *state, struct arena *arena, const char **key, struct error *err);

    /* Optional. Returns the key of the entry of `registries:` that applies, whose max_concurrent is
     * respected. Called after the settings are filled and before check(); returns NULL for invalid
     * settings. Memory from `arena`. */
    const char *(*resource)(const void *state, struct arena *arena);

    /* Optional. Returns whether resource() can return `name`. An entry of `registries:` that no
     * probe can use is a mistake. */
    bool (*check_resource)(const char *name, struct error *err);

    /* Optional. Warns of settings that are valid but probably not meant. Called after check(). */
    void (*review)(const void *state, struct review *review);

    /* Optional. Returns the reference of an image that a run writes at the registry, to compare it
     * with those of other jobs; NULL: none. `name` is that of the job. Memory from `arena`. */
    const char *(*writes)(const void *state, const char *name, struct arena *arena);

    /* Optional, once per job. close() is called only if open() returned true. */
    bool (*open)(void *state, const struct job_context *context, struct error *err);
    void (*close)(void *state);

    /* Optional. Adds the samples before the first run: counters at 0. */
    void (*begin)(const void *state, struct snapshot *out);

    /* Optional. Blocks until a change makes an early run useful, then returns true. Returns false
     * if it cannot watch now; it is called again after a back-off. Runs in a thread of its own,
     * concurrently with run(): shared data needs a lock. */
    bool (*watch)(void *state, struct cancel *cancel, struct error *err);

    /* Optional, for probes. Returns the duration from which a run counts as slow; 0: no limit.
     * Reads settings only, so it may be called at any time, by any thread. */
    int64_t (*slow_ns)(const void *state);

    /* Measures once. Must return soon after run->cancel was canceled. */
    bool (*run)(void *state, struct run *run, struct error *err);
};
