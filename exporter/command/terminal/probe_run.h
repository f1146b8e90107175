/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one probe and shows its progress on standard error. */
#pragma once

#include "base/progress.h"
#include "config/config.h"

struct terminal_run {
    struct progress progress;
    struct run_record record;
    struct error error, warning; /* ERROR_NONE if there was none */
    bool skipped;                /* the registry is in back-off: the probe did not run */
};

struct terminal_run_options {
    struct node *node;
    bool follows; /* shows the log of the run while it runs */
    bool quiet;   /* shows no progress */
};

/* A signalfd for the signals that end a run. Must be initialised before any thread starts. */
struct probe_signals {
    int fd;
    int caught; /* the first signal, or 0 */
};
bool probe_signals_init(struct probe_signals *signals, struct error *err) MUST_CHECK;
void probe_signals_deinit(struct probe_signals *signals);

/* Runs the job on a thread of its own and returns when it has ended. A signal cancels the run; a
 * second one ends the process. The strings of the record live in the job and in *run. */
bool terminal_run(struct terminal_run *run, struct config_job *job,
                  const struct terminal_run_options *options, struct probe_signals *signals,
                  struct error *err) MUST_CHECK;
void terminal_run_deinit(struct terminal_run *run);
