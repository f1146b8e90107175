/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/leases.h"

#include "containerd/wire/leases_wire.h"

#include <time.h>

#define REQUEST_LIMIT_BYTES ((size_t)64 << 10)
#define REPLY_LIMIT_BYTES   ((size_t)16 << 20)

bool leases_list(const struct scope *scope, struct arena *arena, struct leases *leases,
                 struct cancel *cancel, struct error *err)
{
    const struct buf nothing = BUF_INIT(0);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    return containerd_call(scope, "/containerd.services.leases.v1.Leases/List", &nothing, &reply,
                           cancel, err) &&
           leases_wire_list(&reply, arena, leases, err);
}

static bool create(const struct scope *scope, const struct lease *lease, struct cancel *cancel,
                   struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);
    const struct scope outside = {scope->daemon, scope->name_space, NULL};

    leases_wire_create(&request, lease, &arena);
    return arena_ok(&arena, err) &&
           containerd_call(&outside, "/containerd.services.leases.v1.Leases/Create", &request,
                           &reply, cancel, err);
}

bool leases_create_labeled(const struct scope *scope, int64_t lifetime_seconds,
                           const struct labels *labels, struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(REQUEST_LIMIT_BYTES);
    struct label *items = arena_alloc(&arena, (labels->count + 1) * sizeof(*items));
    const struct lease lease = {scope->lease, {items, labels->count + 1}};
    time_t end = time(NULL) + lifetime_seconds;
    char expire[32];
    struct tm utc;

    if (!items)
        return arena_ok(&arena, err);
    strftime(expire, sizeof(expire), "%FT%TZ", gmtime_r(&end, &utc));
    items[0] = (struct label){"containerd.io/gc.expire", expire};
    for (size_t i = 0; i < labels->count; i++)
        items[i + 1] = labels->items[i];
    return create(scope, &lease, cancel, err);
}

bool leases_create(const struct scope *scope, int64_t lifetime_seconds, struct cancel *cancel,
                   struct error *err)
{
    return leases_create_labeled(scope, lifetime_seconds, &(struct labels){0}, cancel, err);
}

bool leases_delete(const struct scope *scope, const char *id, bool sync, struct cancel *cancel,
                   struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);
    const struct scope outside = {scope->daemon, scope->name_space, NULL};

    leases_wire_delete(&request, id, sync);
    return containerd_call(&outside, "/containerd.services.leases.v1.Leases/Delete", &request,
                           &reply, cancel, err) ||
           error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND);
}
