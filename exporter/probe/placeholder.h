/* SPDX-License-Identifier: Apache-2.0 */
/*
 * {node}, {probe} and {timestamp} in an image or a tag, so that one configuration serves many
 * nodes, and none of them overwrites another's.
 */
#ifndef PROBE_PLACEHOLDER_H
#define PROBE_PLACEHOLDER_H

#include "base/arena.h"

#include <stdint.h>

struct placeholders {
    const char *node, *probe; /* made lower-case; what a repository may not hold becomes "-" */
    int64_t unix_seconds;     /* {timestamp}: YYYYMMDD-HHMMSS, UTC */
};

/* Whether `text` has "{name}". */
bool placeholder_in(const char *text, const char *name);

/* `text` with their values, in `arena`; `text` itself if it has none. NULL with ERROR_INVALID for a
 * {name} that there is not, or for one in the registry, which stays the same from run to run. */
const char *placeholder_fill(const char *text, const struct placeholders *values,
                             struct arena *arena, struct error *err);

#endif
