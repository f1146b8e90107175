/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash map from names (digests, snapshots) to numbers. A name cannot be removed;
 * name_map_clear() removes all.
 */
#pragma once

#include "base/buf.h"

#include <stdint.h>

#define NAME_MAP_NAMES_MAX ((size_t)1000000)
#define NAME_MAP_TEXT_MAX  ((size_t)128 << 20) /* bytes of all names together */

struct name_map {
    size_t count;
    struct name_slot *slots_; /* private */
    size_t n_slots_;
    struct buf text_;
};

#define NAME_MAP_INIT                        \
    {                                        \
        .text_ = BUF_INIT(NAME_MAP_TEXT_MAX) \
    }

/* Adds a name, or sets the number of an existing one. ERROR_LIMIT, ERROR_MEMORY. */
bool name_map_add(struct name_map *map, const char *name, uint64_t value,
                  struct error *err) MUST_CHECK;

/* False if there is no such name. `value` may be NULL. */
bool name_map_find(const struct name_map *map, const char *name, uint64_t *value);

/* Removes all names, keeps the memory. */
void name_map_clear(struct name_map *map);
void name_map_deinit(struct name_map *map);
