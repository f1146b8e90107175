/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line of a run on a terminal. */
#pragma once

#include "base/buf.h"

#include <stdint.h>

struct probe_bar {
    const char *name, *phase; /* phase is NULL before the first */
    uint64_t done_bytes, total_bytes;
    double seconds, bytes_per_second;
};

/* Draws at most `width` columns. Pieces that do not fit are left out, the least important first. */
void probe_bar_draw(const struct probe_bar *bar, size_t width, struct buf *out);
