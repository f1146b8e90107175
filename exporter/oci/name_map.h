/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set of names (digests, snapshots), each with a number: filled from a list of
 * the daemon, then asked. A name cannot be removed; the set is cleared as a whole.
 */
#ifndef OCI_NAME_MAP_H
#define OCI_NAME_MAP_H

#include "base/buf.h"

#include <stdint.h>

#define NAME_MAP_NAMES_MAX ((size_t)1000000)
#define NAME_MAP_TEXT_MAX  ((size_t)128 << 20) /* bytes of all names together */

struct name_map {
    size_t count;
    struct digest_slot *slots_; /* private */
    size_t n_slots_;
    struct buf text_;
};

#define NAME_MAP_INIT                        \
    {                                        \
        .text_ = BUF_INIT(NAME_MAP_TEXT_MAX) \
    }

/* A name that is there already gets the new number. ERROR_LIMIT, ERROR_MEMORY. */
bool name_map_add(struct name_map *set, const char *name, uint64_t value,
                  struct error *err) MUST_CHECK;

/* False where there is no such name. `value` may be NULL. */
bool name_map_find(const struct name_map *set, const char *name, uint64_t *value);

/* Empty again, the memory is kept. */
void name_map_clear(struct name_map *set);
void name_map_deinit(struct name_map *set);

#endif
