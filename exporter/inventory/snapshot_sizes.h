/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What committed snapshots occupy on disk. A committed one never changes, so the
 * daemon is asked once for each, a limited number of times per round; what no
 * round has seen is forgotten. An active one is not asked about: the daemon would
 * walk its files.
 */
#ifndef INVENTORY_SNAPSHOT_SIZES_H
#define INVENTORY_SNAPSHOT_SIZES_H

#include "containerd/snapshots.h"
#include "oci/name_map.h"

struct snapshot_sizes {
    struct name_map known_, seen_; /* private */
    size_t calls_left_;
};

#define SNAPSHOT_SIZES_INIT                              \
    {                                                    \
        .known_ = NAME_MAP_INIT, .seen_ = NAME_MAP_INIT, \
    }

void snapshot_sizes_begin(struct snapshot_sizes *sizes, size_t max_calls);

/* Adds the size of one committed snapshot to *bytes. *told is left alone, or set to false if this
 * round may ask no more. One that is gone meanwhile adds nothing. */
bool snapshot_sizes_add(struct snapshot_sizes *sizes, const struct scope *scope,
                        const char *snapshotter, const struct snapshot_info *snapshot,
                        uint64_t *bytes, bool *told, struct cancel *cancel,
                        struct error *err) MUST_CHECK;

/* Forgets what this round has not seen; not called where a round could not see everything. */
void snapshot_sizes_end(struct snapshot_sizes *sizes);
void snapshot_sizes_deinit(struct snapshot_sizes *sizes);

#endif
