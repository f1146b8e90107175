/* SPDX-License-Identifier: Apache-2.0 */
/* One line of a terminal that tells how far a run is. */
#ifndef COMMAND_TERMINAL_PROBE_BAR_H
#define COMMAND_TERMINAL_PROBE_BAR_H

#include "base/buf.h"

#include <stdint.h>

struct probe_bar {
    const char *name, *phase; /* phase NULL: none yet */
    uint64_t done_bytes, total_bytes;
    double seconds, bytes_per_second;
};

/* At most `width` columns; what has no room is left out, the least needed first. */
void probe_bar_draw(const struct probe_bar *bar, size_t width, struct buf *out);

#endif
