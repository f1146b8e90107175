/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's snapshots (unpacked layers), and the differ that fills them. */
#ifndef CONTAINERD_SNAPSHOTS_H
#define CONTAINERD_SNAPSHOTS_H

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
    double created; /* seconds since 1970; 0: not told */
};

/* As content_visit. */
typedef bool snapshots_visit(void *arg, const struct snapshot_info *info, struct error *err);

bool snapshots_list(const struct scope *scope, const char *snapshotter, snapshots_visit *visit,
                    void *arg, struct cancel *cancel, struct error *err) MUST_CHECK;

/* The same in two steps: the daemon works on its list while we are busy with something else. */
struct rpc_stream *snapshots_list_begin(const struct scope *scope, const char *snapshotter,
                                        struct cancel *cancel, struct error *err);
/* Takes `stream`. Without `visit` it only lets go of it. */
bool snapshots_list_end(const struct scope *scope, struct rpc_stream *stream,
                        snapshots_visit *visit, void *arg, struct error *err);

/* An active snapshot `name` on top of `parent` ("" for the first), to become `target`. `mounts`
 * gets the daemon's own message, which is handed on to apply unread. err->status is
 * RPC_ALREADY_EXISTS where the target is there already. */
bool snapshots_prepare(const struct scope *scope, const char *snapshotter,
                       const struct snapshot_info *snapshot, const char *target, struct buf *mounts,
                       struct cancel *cancel, struct error *err) MUST_CHECK;
bool snapshots_commit(const struct scope *scope, const char *snapshotter, const char *key,
                      const char *name, struct cancel *cancel, struct error *err) MUST_CHECK;
bool snapshots_remove(const struct scope *scope, const char *snapshotter, const char *key,
                      struct cancel *cancel, struct error *err) MUST_CHECK;
/* ERROR_NOT_FOUND where there is none. */
bool snapshots_stat(const struct scope *scope, const char *snapshotter, const char *key,
                    struct arena *arena, struct snapshot_info *info, struct cancel *cancel,
                    struct error *err) MUST_CHECK;
/* Bytes on disk of one committed snapshot. */
bool snapshots_usage(const struct scope *scope, const char *snapshotter, const char *key,
                     uint64_t *bytes, struct cancel *cancel, struct error *err) MUST_CHECK;

/* Unpacks a layer into the mounts; *applied is the tar that came out: its digest is the diff id,
 * its size the unpacked bytes. ERROR_UNPACK where the layer is at fault. */
bool snapshots_apply(const struct scope *scope, const struct descriptor *layer,
                     const struct buf *mounts, struct descriptor *applied, struct arena *arena,
                     struct cancel *cancel, struct error *err) MUST_CHECK;

#endif
