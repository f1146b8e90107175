/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's snapshots (unpacked layers), and the Diff service that fills them. */
#pragma once

#include "containerd/containerd.h"
#include "oci/manifest.h"

enum snapshot_kind {
    SNAPSHOT_UNKNOWN,
    SNAPSHOT_VIEW,
    SNAPSHOT_ACTIVE,
    SNAPSHOT_COMMITTED,
};

struct snapshot_info {
    const char *name, *parent;
    enum snapshot_kind kind;
    double created; /* seconds since 1970; 0: unknown */
};

/* Called once per snapshot, as content_visit. */
typedef bool snapshots_visit(void *arg, const struct snapshot_info *info, struct error *err);

bool snapshots_list(const struct scope *scope, const char *snapshotter, snapshots_visit *visit,
                    void *arg, struct cancel *cancel, struct error *err) MUST_CHECK;

/* The same in two steps: the daemon prepares the list while the caller does something else. */
struct rpc_stream *snapshots_list_begin(const struct scope *scope, const char *snapshotter,
                                        struct cancel *cancel, struct error *err);
/* Takes `stream`. */
bool snapshots_list_end(const struct scope *scope, struct rpc_stream *stream,
                        snapshots_visit *visit, void *arg, struct error *err) MUST_CHECK;

/* Creates the active snapshot `name` on top of `parent` ("" for the first layer). It will become
 * `target`. Appends the daemon's reply, which snapshots_apply() needs, to `mounts`. Fails with
 * RPC_ALREADY_EXISTS if the target exists. */
bool snapshots_prepare(const struct scope *scope, const char *snapshotter,
                       const struct snapshot_info *snapshot, const char *target, struct buf *mounts,
                       struct cancel *cancel, struct error *err) MUST_CHECK;
/* Makes the active snapshot `key` the committed snapshot `name`. */
bool snapshots_commit(const struct scope *scope, const char *snapshotter, const char *key,
                      const char *name, struct cancel *cancel, struct error *err) MUST_CHECK;
/* A missing snapshot is success. */
bool snapshots_remove(const struct scope *scope, const char *snapshotter, const char *key,
                      struct cancel *cancel, struct error *err) MUST_CHECK;
/* ERROR_NOT_FOUND if there is no such snapshot. */
bool snapshots_stat(const struct scope *scope, const char *snapshotter, const char *key,
                    struct arena *arena, struct snapshot_info *info, struct cancel *cancel,
                    struct error *err) MUST_CHECK;
/* Sets *bytes to what a committed snapshot occupies on disk. */
bool snapshots_usage(const struct scope *scope, const char *snapshotter, const char *key,
                     uint64_t *bytes, struct cancel *cancel, struct error *err) MUST_CHECK;

/* Unpacks a layer into the mounts. *applied describes the uncompressed tar: its digest is the diff
 * id of the layer, its size the unpacked bytes. ERROR_UNPACK if the layer is invalid. */
bool snapshots_apply(const struct scope *scope, const struct descriptor *layer,
                     const struct buf *mounts, struct descriptor *applied, struct arena *arena,
                     struct cancel *cancel, struct error *err) MUST_CHECK;
