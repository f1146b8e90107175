/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cache of the disk usage of committed snapshots. A committed snapshot never changes, so the
 * daemon is asked once per snapshot, with a limit of calls per round. Snapshots that a round has
 * not seen are dropped. Active snapshots must not be added: the daemon would walk their files.
 */
#pragma once

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

/* Adds the size of one committed snapshot to *bytes. If it is unknown and the limit of calls is
 * reached, sets *complete to false instead. A snapshot that is gone in the meantime adds nothing.
 */
bool snapshot_sizes_add(struct snapshot_sizes *sizes, const struct scope *scope,
                        const char *snapshotter, const struct snapshot_info *snapshot,
                        uint64_t *bytes, bool *complete, struct cancel *cancel,
                        struct error *err) MUST_CHECK;

/* Drops snapshots that this round has not seen. Must not be called after an incomplete round. */
void snapshot_sizes_end(struct snapshot_sizes *sizes);
void snapshot_sizes_deinit(struct snapshot_sizes *sizes);
