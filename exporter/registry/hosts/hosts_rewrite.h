/* SPDX-License-Identifier: Apache-2.0 */
/* Applies the `rewrite` tables of hosts.toml, which only the containerd of k3s and RKE2 knows. Only
 * hosts_rewrite.cpp uses RE2. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>

#define HOSTS_REWRITE_BYTES_MAX ((size_t)4 << 10) /* of a repository */

struct hosts_rewrite {
    const char *pattern, *replacement; /* as in Go's regexp: "^library/(.*)", "hub/$1" */
};

struct hosts_rewritten {
    const char *repository; /* the argument itself if no rule changes it */
    bool ambiguous;         /* another rule gives another name; the daemon takes either */
    const char *invalid;    /* the first pattern that is no regular expression, which has no effect;
                             * NULL: none */
};

/* `rules` ends with a NULL pattern. The first rule that changes the name is the only one. A name of
 * more bytes than HOSTS_REWRITE_BYTES_MAX: ERROR_LIMIT. In `arena`. */
bool hosts_rewrite_repository(const struct hosts_rewrite *rules, const char *repository,
                              struct arena *arena, struct hosts_rewritten *out,
                              struct error *err) MUST_CHECK;
