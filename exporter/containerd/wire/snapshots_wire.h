/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Snapshots and Diff services. */
#ifndef CONTAINERD_WIRE_SNAPSHOTS_WIRE_H
#define CONTAINERD_WIRE_SNAPSHOTS_WIRE_H

#include "containerd/snapshots.h"

void snapshots_wire_list(struct buf *out, const char *snapshotter);
bool snapshots_wire_visit(const struct buf *message, struct arena *arena, snapshots_visit *visit,
                          void *arg, struct error *err) MUST_CHECK;
void snapshots_wire_prepare(struct buf *out, const char *snapshotter,
                            const struct snapshot_info *snapshot, const struct labels *labels,
                            struct arena *arena);
void snapshots_wire_commit(struct buf *out, const char *snapshotter, const char *key,
                           const char *name);
bool snapshots_wire_stat(const struct buf *message, struct arena *arena, struct snapshot_info *info,
                         struct error *err) MUST_CHECK;
/* A request that is nothing but a snapshotter and a key (Remove, Stat, Usage). */
void snapshots_wire_key(struct buf *out, const char *snapshotter, const char *key);
bool snapshots_wire_usage(const struct buf *message, uint64_t *bytes, struct error *err) MUST_CHECK;

/* `mounts` is the reply to Prepare. */
bool snapshots_wire_apply(struct buf *out, const struct descriptor *layer, const struct buf *mounts,
                          struct arena *arena, struct error *err) MUST_CHECK;
bool snapshots_wire_applied(const struct buf *message, struct arena *arena,
                            struct descriptor *applied, struct error *err) MUST_CHECK;

#endif
