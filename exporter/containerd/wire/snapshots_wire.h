/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Snapshots and Diff services. */
#pragma once

#include "containerd/snapshots.h"

struct snapshots_visitor {
    snapshots_visit *visit;
    void *arg;
};

containerd_decode snapshots_wire_visit; /* struct snapshots_visitor */

void snapshots_wire_prepare(struct buf *out, const char *snapshotter,
                            const struct snapshot_info *snapshot, const struct labels *labels,
                            struct arena *arena);
void snapshots_wire_commit(struct buf *out, const char *snapshotter, const char *key,
                           const char *name);

/* A request with nothing but a snapshotter and a key (Remove, Stat, Usage). */
void snapshots_wire_key(struct buf *out, const char *snapshotter, const char *key);
containerd_decode snapshots_wire_stat;  /* struct snapshot_info */
containerd_decode snapshots_wire_usage; /* uint64_t: bytes */

/* `mounts` is the reply to Prepare. */
bool snapshots_wire_apply(struct buf *out, const struct descriptor *layer, const struct buf *mounts,
                          struct arena *arena, struct error *err) MUST_CHECK;
containerd_decode snapshots_wire_applied; /* struct descriptor */
