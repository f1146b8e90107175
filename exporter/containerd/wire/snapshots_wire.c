/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/wire/snapshots_wire.h"

#include "containerd/wire/types_wire.h"
#include "snapshots.pb-c.h"
#include "types.pb-c.h"

static enum snapshot_kind kind_of(int32_t kind)
{
    return kind >= SNAPSHOT_VIEW && kind <= SNAPSHOT_COMMITTED ? (enum snapshot_kind)kind
                                                               : SNAPSHOT_UNKNOWN;
}

static struct snapshot_info read_info(const Snapshots__Info *info)
{
    return (struct snapshot_info){
        .name = info->name,
        .parent = info->parent,
        .kind = kind_of(info->kind),
        .created = wire_unix_seconds(info->created_at),
    };
}

bool snapshots_wire_stat(const struct buf *message, struct arena *arena, void *out,
                         struct error *err)
{
    const Snapshots__StatResponse *reply =
        wire_unpack(&snapshots__stat_response__descriptor, message, arena, err);
    struct snapshot_info *info = out;

    if (!reply)
        return false;
    if (!reply->info)
        return error_set(err, ERROR_PROTOCOL, "reply to Snapshots/Stat without a snapshot");
    *info = read_info(reply->info);
    return true;
}

bool snapshots_wire_visit(const struct buf *message, struct arena *arena, void *out,
                          struct error *err)
{
    const Snapshots__ListResponse *reply =
        wire_unpack(&snapshots__list_response__descriptor, message, arena, err);
    const struct snapshots_visitor *visitor = out;
    bool ok = reply;

    for (size_t i = 0; ok && i < reply->n_info; i++) {
        const struct snapshot_info info = read_info(reply->info[i]);

        ok = visitor->visit(visitor->arg, &info, err);
    }
    return ok;
}

void snapshots_wire_prepare(struct buf *out, const char *snapshotter,
                            const struct snapshot_info *snapshot, const struct labels *labels,
                            struct arena *arena)
{
    Snapshots__PrepareRequest request = SNAPSHOTS__PREPARE_REQUEST__INIT;

    request.snapshotter = (char *)snapshotter;
    request.key = (char *)snapshot->name;
    request.parent = (char *)snapshot->parent;
    request.labels = wire_labels_out(labels, arena);
    request.n_labels = request.labels ? labels->count : 0;
    wire_pack(&request.base, out);
}

void snapshots_wire_commit(struct buf *out, const char *snapshotter, const char *key,
                           const char *name)
{
    Snapshots__CommitRequest request = SNAPSHOTS__COMMIT_REQUEST__INIT;

    request.snapshotter = (char *)snapshotter;
    request.key = (char *)key;
    request.name = (char *)name;
    wire_pack(&request.base, out);
}

void snapshots_wire_key(struct buf *out, const char *snapshotter, const char *key)
{
    Snapshots__RemoveRequest request = SNAPSHOTS__REMOVE_REQUEST__INIT;

    request.snapshotter = (char *)snapshotter;
    request.key = (char *)key;
    wire_pack(&request.base, out);
}

bool snapshots_wire_usage(const struct buf *message, struct arena *arena, void *out,
                          struct error *err)
{
    const Snapshots__UsageResponse *reply =
        wire_unpack(&snapshots__usage_response__descriptor, message, arena, err);
    uint64_t *bytes = out;

    if (reply)
        *bytes = wire_size(reply->size);
    return reply;
}

bool snapshots_wire_apply(struct buf *out, const struct descriptor *layer, const struct buf *mounts,
                          struct arena *arena, struct error *err)
{
    const Snapshots__PrepareResponse *prepared =
        wire_unpack(&snapshots__prepare_response__descriptor, mounts, arena, err);
    Snapshots__ApplyRequest request = SNAPSHOTS__APPLY_REQUEST__INIT;
    Wire__Descriptor diff;

    if (!prepared)
        return false;
    wire_descriptor_out(&diff, layer);
    request.diff = &diff;
    request.mounts = prepared->mounts;
    request.n_mounts = prepared->n_mounts;
    wire_pack(&request.base, out);
    return true;
}

bool snapshots_wire_applied(const struct buf *message, struct arena *arena, void *out,
                            struct error *err)
{
    const Snapshots__ApplyResponse *reply =
        wire_unpack(&snapshots__apply_response__descriptor, message, arena, err);

    if (reply)
        wire_descriptor_in(out, reply->applied);
    return reply;
}
