/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What standard error shows of a run that goes on: on a terminal one line that changes, elsewhere a
 * line when it begins; and the run's log, if it is wanted.
 */
#ifndef COMMAND_TERMINAL_PROBE_SCREEN_H
#define COMMAND_TERMINAL_PROBE_SCREEN_H

#include "base/progress.h"

struct probe_screen {
    const char *name;
    struct progress *progress;
    bool terminal, follows, quiet;
    struct buf line, log;
    size_t log_offset;
    /* For the rate: what had moved a moment ago. */
    int64_t sampled_ns;
    uint64_t sampled_bytes;
    double bytes_per_second;
};

void probe_screen_init(struct probe_screen *screen, const char *name, struct progress *progress,
                       bool follows, bool quiet);

/* Shows how it is now; returns for how long that is good, in milliseconds, -1: until something
 * happens. */
int probe_screen_show(struct probe_screen *screen);

/* Leaves nothing but the log. */
void probe_screen_deinit(struct probe_screen *screen);

#endif
