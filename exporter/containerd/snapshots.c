/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/snapshots.h"

#include "containerd/wire/snapshots_wire.h"

#define REQUEST_LIMIT_BYTES ((size_t)1 << 20)
#define REPLY_LIMIT_BYTES   ((size_t)16 << 20)
#define SERVICE             "/containerd.services.snapshots.v1.Snapshots/"

static bool visit_page(const struct buf *message, snapshots_visit *visit, void *arg,
                       struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(REPLY_LIMIT_BYTES);

    return snapshots_wire_visit(message, &arena, visit, arg, err);
}

struct rpc_stream *snapshots_list_begin(const struct scope *scope, const char *snapshotter,
                                        struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);

    snapshots_wire_list(&request, snapshotter);
    return containerd_stream(scope, SERVICE "List", &request, cancel, err);
}

bool snapshots_list_end(const struct scope *scope, struct rpc_stream *stream,
                        snapshots_visit *visit, void *arg, struct error *err)
{
    CLEANUP(buf_deinit) struct buf message = BUF_INIT(REPLY_LIMIT_BYTES);
    struct error leaving;
    bool ok = visit != NULL;

    while (ok && rpc_stream_next(stream, &message))
        ok = visit_page(&message, visit, arg, err);
    return containerd_stream_close(scope, stream, ok ? err : &leaving) && ok;
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

/* Sends what is in `request`; the answer tells nothing. */
static bool command(const struct scope *scope, const char *method, const struct buf *request,
                    struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    return containerd_call(scope, method, request, &reply, cancel, err);
}

bool snapshots_commit(const struct scope *scope, const char *snapshotter, const char *key,
                      const char *name, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);

    snapshots_wire_commit(&request, snapshotter, key, name);
    return command(scope, SERVICE "Commit", &request, cancel, err);
}

bool snapshots_remove(const struct scope *scope, const char *snapshotter, const char *key,
                      struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);

    snapshots_wire_key(&request, snapshotter, key);
    return command(scope, SERVICE "Remove", &request, cancel, err) ||
           error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND);
}

bool snapshots_stat(const struct scope *scope, const char *snapshotter, const char *key,
                    struct arena *arena, struct snapshot_info *info, struct cancel *cancel,
                    struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    snapshots_wire_key(&request, snapshotter, key);
    return containerd_call(scope, SERVICE "Stat", &request, &reply, cancel, err) &&
           snapshots_wire_stat(&reply, arena, info, err);
}

bool snapshots_usage(const struct scope *scope, const char *snapshotter, const char *key,
                     uint64_t *bytes, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    snapshots_wire_key(&request, snapshotter, key);
    return containerd_call(scope, SERVICE "Usage", &request, &reply, cancel, err) &&
           snapshots_wire_usage(&reply, bytes, err);
}

bool snapshots_apply(const struct scope *scope, const struct descriptor *layer,
                     const struct buf *mounts, struct descriptor *applied, struct arena *arena,
                     struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    if (!snapshots_wire_apply(&request, layer, mounts, arena, err))
        return false;
    if (containerd_call(scope, "/containerd.services.diff.v1.Diff/Apply", &request, &reply, cancel,
                        err))
        return snapshots_wire_applied(&reply, arena, applied, err);
    if (err->code == ERROR_RUNTIME || err->code == ERROR_INVALID)
        err->code = ERROR_UNPACK;
    return false;
}
