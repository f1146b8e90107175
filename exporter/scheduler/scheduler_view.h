/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs of a scheduler as pages show them. All functions are thread-safe. */
#pragma once

#include "base/buf.h"

#include <stdint.h>

struct scheduler;

struct probe_status {
    const char *name, *operation;
    const char *schedule; /* as written in the file; "": the probe runs every interval_ns */
    int64_t interval_ns, timeout_ns;
    int64_t slow_ns;  /* longer runs count as slow; 0: no limit */
    double next_unix; /* time of the next run; 0: a run is in progress */
    bool running;
};

/* Calls `visit` for each configured probe, with the scheduler's lock held. */
void scheduler_probes(struct scheduler *scheduler,
                      void (*visit)(void *arg, const struct probe_status *probe), void *arg);

struct collector_failure {
    const char *collector;
    const char *message; /* without secrets */
};

/* Calls `visit` for each collector whose last run failed, with the scheduler's lock held. */
void scheduler_failures(struct scheduler *scheduler,
                        void (*visit)(void *arg, const struct collector_failure *failure),
                        void *arg);

/* Appends the probe's section of the configuration in force as YAML, without secrets. Returns false
 * if the probe does not exist. */
bool scheduler_settings(struct scheduler *scheduler, const char *probe, struct buf *out);

/* Appends the sections of all jobs: those below `collectors:`, then `probes:`. */
void scheduler_config(struct scheduler *scheduler, struct buf *out);
