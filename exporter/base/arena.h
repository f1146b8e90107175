/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for one piece of work: many allocations, one release, at most
 * `limit_bytes`. The first failure sticks, as in struct buf.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

struct arena {
    size_t limit_bytes;
    size_t used_bytes;
    bool secret;                 /* deinit wipes the memory before it frees it */
    struct arena_block *blocks_; /* private */
    enum error_code failure_;
};

#define ARENA_INIT(limit)      \
    {                          \
        .limit_bytes = (limit) \
    }

#define SECRET_ARENA_INIT(limit)               \
    {                                          \
        .limit_bytes = (limit), .secret = true \
    }

/* Returns zeroed memory, aligned for any type; NULL once the arena has failed. Strings are not
 * aligned. The arena owns the memory. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_strndup(struct arena *arena, const char *str, size_t size);
char *arena_strdup(struct arena *arena, const char *str);

bool arena_ok(const struct arena *arena, struct error *err) MUST_CHECK;
void arena_deinit(struct arena *arena);
