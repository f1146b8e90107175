/* SPDX-License-Identifier: Apache-2.0 */
/* One run of one probe, while somebody looks on at standard error. */
#ifndef COMMAND_TERMINAL_PROBE_RUN_H
#define COMMAND_TERMINAL_PROBE_RUN_H

#include "base/progress.h"
#include "config/config.h"

struct terminal_run {
    struct progress progress;
    struct run_record record;
    struct error error, warning; /* ERROR_NONE: there was none */
    bool skipped;                /* nothing was tried */
};

struct terminal_run_options {
    struct node *node;
    bool follows; /* the run's log is shown as it comes */
    bool quiet;   /* nothing else is */
};

/* Where signals come that end a run: made before any thread is, and told which it was. */
struct probe_signals {
    int fd;
    int caught; /* 0: none */
};
bool probe_signals_init(struct probe_signals *signals, struct error *err) MUST_CHECK;
void probe_signals_deinit(struct probe_signals *signals);

/* Runs the job in a thread of its own until it has ended; a signal cancels it, a second one ends
 * the process. What the record says lives in the job and in *run. */
bool terminal_run(struct terminal_run *run, struct config_job *job,
                  const struct terminal_run_options *options, struct probe_signals *signals,
                  struct error *err) MUST_CHECK;
void terminal_run_deinit(struct terminal_run *run);

#endif
