/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What standard error shows during a run: on a terminal a line that is redrawn, elsewhere one line
 * at the start; and the log of the run if the caller asks for it.
 */
#pragma once

#include "base/progress.h"

struct probe_screen {
    const char *name;
    struct progress *progress;
    bool terminal, follows, quiet;
    struct buf line, log;
    size_t log_offset;
    /* The last sample of the rate. */
    int64_t sampled_ns;
    uint64_t sampled_bytes;
    double bytes_per_second;
};

void probe_screen_init(struct probe_screen *screen, const char *name, struct progress *progress,
                       bool follows, bool quiet);

/* Shows the current state. Returns the milliseconds until the caller must call again, or -1 if it
 * need not. */
int probe_screen_show(struct probe_screen *screen);

/* Removes the progress line; the log stays. */
void probe_screen_deinit(struct probe_screen *screen);
