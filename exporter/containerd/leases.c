/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/leases.h"

#include "containerd/wire/images_wire.h"

#include <time.h>

#define REQUEST_LIMIT_BYTES ((size_t)64 << 10)
#define SERVICE             "/containerd.services.leases.v1.Leases/"

bool leases_list(const struct scope *scope, struct arena *arena, struct leases *leases,
                 struct cancel *cancel, struct error *err)
{
    struct leases_list list = {leases, arena};

    *leases = (struct leases){0};
    return containerd_query_parts(scope, SERVICE "List", "id", leases_wire_list, &list, cancel,
                                  err);
}

bool leases_blobs(const struct scope *scope, struct arena *arena, struct lease_blobs *blobs,
                  struct cancel *cancel, struct error *err)
{
    const struct scope without_lease = {scope->daemon, scope->name_space, NULL};

    *blobs = (struct lease_blobs){0};
    return containerd_query_name(&without_lease, SERVICE "ListResources", scope->lease,
                                 leases_wire_blobs, arena, blobs, cancel, err);
}

/* Creates or deletes a lease, which must not happen under the lease itself. */
static bool command(const struct scope *scope, const char *method, const struct buf *request,
                    struct cancel *cancel, struct error *err)
{
    const struct scope without_lease = {scope->daemon, scope->name_space, NULL};

    return containerd_query(&without_lease, method, request, NULL, NULL, NULL, cancel, err);
}

bool leases_create(const struct scope *scope, int64_t lifetime_seconds, const struct labels *labels,
                   struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(REQUEST_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);
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
    leases_wire_create(&request, &lease, &arena);
    return arena_ok(&arena, err) && command(scope, SERVICE "Create", &request, cancel, err);
}

bool leases_delete(const struct scope *scope, const char *id, bool sync, struct cancel *cancel,
                   struct error *err)
{
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(REQUEST_LIMIT_BYTES);

    leases_wire_delete(&request, id, sync);
    return command(scope, SERVICE "Delete", &request, cancel, err) ||
           error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND);
}
