/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/snapshots.h"

#include "containerd/wire/containerd_wire.h"
#include "containerd/wire/snapshots_wire.h"

#define REQUEST_LIMIT_BYTES ((size_t)1 << 20)
#define SERVICE             "/containerd.services.snapshots.v1.Snapshots/"

struct rpc_stream *snapshots_list_begin(const struct scope *scope, const char *snapshotter,
                                        struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);

    containerd_wire_name(&request, snapshotter);
    return containerd_stream(scope, SERVICE "List", &request, cancel, err);
}

bool snapshots_list_end(const struct scope *scope, struct rpc_stream *stream,
                        snapshots_visit *visit, void *arg, struct error *err)
{
    struct snapshots_visitor visitor = {visit, arg};

    return containerd_stream_decode(scope, stream, snapshots_wire_visit, &visitor, err);
}

bool snapshots_list(const struct scope *scope, const char *snapshotter, snapshots_visit *visit,
                    void *arg, struct cancel *cancel, struct error *err)
{
    struct rpc_stream *stream = snapshots_list_begin(scope, snapshotter, cancel, err);

    return stream && snapshots_list_end(scope, stream, visit, arg, err);
}

bool snapshots_prepare(const struct scope *scope, const char *snapshotter,
                       const struct snapshot_info *snapshot, const char *target, struct buf *mounts,
                       struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    struct label label = {"containerd.io/snapshot.ref", target};
    const struct labels labels = {&label, 1};

    snapshots_wire_prepare(&request, snapshotter, snapshot, &labels, &arena);
    return containerd_call(scope, SERVICE "Prepare", &request, mounts, cancel, err);
}

bool snapshots_commit(const struct scope *scope, const char *snapshotter, const char *key,
                      const char *name, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);

    snapshots_wire_commit(&request, snapshotter, key, name);
    return containerd_query(scope, SERVICE "Commit", &request, NULL, NULL, NULL, cancel, err);
}

static bool query_key(const struct scope *scope, const char *method, const char *snapshotter,
                      const char *key, containerd_decode *decode, struct arena *arena, void *out,
                      struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);

    snapshots_wire_key(&request, snapshotter, key);
    return containerd_query(scope, method, &request, decode, arena, out, cancel, err);
}

bool snapshots_remove(const struct scope *scope, const char *snapshotter, const char *key,
                      struct cancel *cancel, struct error *err)
{
    return query_key(scope, SERVICE "Remove", snapshotter, key, NULL, NULL, NULL, cancel, err) ||
           error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND);
}

bool snapshots_stat(const struct scope *scope, const char *snapshotter, const char *key,
                    struct arena *arena, struct snapshot_info *info, struct cancel *cancel,
                    struct error *err)
{
    return query_key(scope, SERVICE "Stat", snapshotter, key, snapshots_wire_stat, arena, info,
                     cancel, err);
}

bool snapshots_usage(const struct scope *scope, const char *snapshotter, const char *key,
                     uint64_t *bytes, struct cancel *cancel, struct error *err)
{
    return query_key(scope, SERVICE "Usage", snapshotter, key, snapshots_wire_usage, NULL, bytes,
                     cancel, err);
}

bool snapshots_apply(const struct scope *scope, const struct descriptor *layer,
                     const struct buf *mounts, struct descriptor *applied, struct arena *arena,
                     struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);

    if (!snapshots_wire_apply(&request, layer, mounts, arena, err))
        return false;
    if (containerd_query(scope, "/containerd.services.diff.v1.Diff/Apply", &request,
                         snapshots_wire_applied, arena, applied, cancel, err))
        return true;
    if (err->code == ERROR_RUNTIME || err->code == ERROR_INVALID)
        err->code = ERROR_UNPACK;
    return false;
}
