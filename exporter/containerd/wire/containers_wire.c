/* SPDX-License-Identifier: Apache-2.0 */
/* The .proto leaves out the specification of a container, so decoding does not copy it. */
#include "containerd/wire/containers_wire.h"

#include "containerd/wire/types_wire.h"
#include "containers.pb-c.h"
#include "tasks.pb-c.h"
#include "timestamp.pb-c.h"

void containers_wire_list(struct buf *out, const char *filter)
{
    Containers__ListRequest request = CONTAINERS__LIST_REQUEST__INIT;
    char *filters[1] = {(char *)filter};

    request.filters = filters;
    request.n_filters = filter ? 1 : 0;
    wire_pack(&request.base, out);
}

static bool visit(const struct containers_visitor *visitor, const Containers__Container *container,
                  struct error *err)
{
    const struct container_info info = {
        .image = container->image,
        .runtime = container->runtime ? container->runtime->name : "",
        .created_unix_ns = wire_unix_ns(container->created_at),
    };

    return visitor->visit(visitor->arg, &info, err);
}

bool containers_wire_visit_all(const struct buf *message, struct arena *arena, void *out,
                               struct error *err)
{
    const Containers__ListResponse *reply =
        wire_unpack(&containers__list_response__descriptor, message, arena, err);
    bool ok = reply;

    for (size_t i = 0; ok && i < reply->n_containers; i++)
        ok = visit(out, reply->containers[i], err);
    return ok;
}

bool containers_wire_visit_one(const struct buf *message, struct arena *arena, void *out,
                               struct error *err)
{
    const Containers__ListStreamResponse *reply =
        wire_unpack(&containers__list_stream_response__descriptor, message, arena, err);

    return reply && (!reply->container || visit(out, reply->container, err));
}

bool tasks_wire_count(const struct buf *message, struct arena *arena, void *out, struct error *err)
{
    const Tasks__ListResponse *reply =
        wire_unpack(&tasks__list_response__descriptor, message, arena, err);
    size_t *counts = out;

    for (size_t i = 0; reply && i < reply->n_tasks; i++) {
        int32_t status = reply->tasks[i]->status;

        counts[status >= 0 && status < TASK_STATUSES ? status : TASK_UNKNOWN]++;
    }
    return reply;
}
