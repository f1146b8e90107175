/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's snapshots (unpacked layers), and the differ that fills them. */
#ifndef CLIENT_SNAPSHOTS_H
#define CLIENT_SNAPSHOTS_H

#include "client/containerd.h"
#include "client/manifest.h"

enum snapshot_kind {
    SNAPSHOT_UNKNOWN,
    SNAPSHOT_VIEW,
    SNAPSHOT_ACTIVE,
    SNAPSHOT_COMMITTED,
};

struct snapshot_info {
    const char *name, *parent;
    enum snapshot_kind kind;
};

/* As content_visit. */
typedef bool snapshots_visit(void *arg, const struct snapshot_info *info, struct error *err);

bool snapshots_list(const struct scope *scope, const char *snapshotter, snapshots_visit *visit,
                    void *arg, struct cancel *cancel, struct error *err) MUST_CHECK;

/* Where a snapshot is mounted from; the bytes are the daemon's own message, handed on unread. */
struct snapshot_mounts {
    struct buf *prepared; /* reply of prepare */
};

/* err->status is RPC_ALREADY_EXISTS where the snapshot is there already. */
bool snapshots_prepare(const struct scope *scope, const char *snapshotter,
                       const struct snapshot_info *snapshot, struct snapshot_mounts *mounts,
                       struct cancel *cancel, struct error *err) MUST_CHECK;
bool snapshots_commit(const struct scope *scope, const char *snapshotter, const char *key,
                      const char *name, struct cancel *cancel, struct error *err) MUST_CHECK;
bool snapshots_remove(const struct scope *scope, const char *snapshotter, const char *key,
                      struct cancel *cancel, struct error *err) MUST_CHECK;
/* Bytes on disk of one committed snapshot. */
bool snapshots_usage(const struct scope *scope, const char *snapshotter, const char *key,
                     uint64_t *bytes, struct cancel *cancel, struct error *err) MUST_CHECK;

/* Unpacks a layer into the mounts; diff_id (malloc'ed into `arena`) is the digest of the tar. */
bool snapshots_apply(const struct scope *scope, const struct descriptor *layer,
                     const struct snapshot_mounts *mounts, struct arena *arena,
                     const char **diff_id, struct cancel *cancel, struct error *err) MUST_CHECK;

#endif
