/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placeholders {node}, {probe} and {timestamp} in an image or a tag. They let many nodes share one
 * configuration without overwriting the images of each other.
 */
#pragma once

#include "base/arena.h"

#include <stdint.h>

struct placeholders {
    const char *node, *probe; /* become lower-case; characters that are invalid become "-" */
    int64_t unix_seconds;     /* {timestamp}: YYYYMMDD-HHMMSS, UTC */
};

/* Whether `text` contains "{name}". */
bool placeholder_in(const char *text, const char *name);

/* Returns `text` with the values, in `arena`, or `text` itself if it has no placeholder. NULL with
 * ERROR_INVALID if a placeholder is unknown, or is in the registry, which must not change from run
 * to run. */
const char *placeholder_fill(const char *text, const struct placeholders *values,
                             struct arena *arena, struct error *err);
