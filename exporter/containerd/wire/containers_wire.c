/* SPDX-License-Identifier: Apache-2.0 */
/* The specification is no field here, so that unpacking it costs one copy at most. */
#include "containerd/wire/containers_wire.h"

#include "containerd/wire/types_wire.h"
#include "containers.pb-c.h"

void containers_wire_list(struct buf *out, const char *filter)
{
    Containers__ListRequest request = CONTAINERS__LIST_REQUEST__INIT;
    char *filters[1] = {(char *)filter};

    request.filters = filters;
    request.n_filters = filter ? 1 : 0;
    wire_pack(&request.base, out);
}

static bool visit_container(const Containers__Container *container, containers_visit *visit,
                            void *arg, struct error *err)
{
    const struct container_info info = {
        .image = container->image,
        .runtime = container->runtime ? container->runtime->name : "",
    };

    return visit(arg, &info, err);
}

bool containers_wire_visit_all(const struct buf *message, struct arena *arena,
                               containers_visit *visit, void *arg, struct error *err)
{
    const Containers__ListResponse *reply =
        wire_unpack(&containers__list_response__descriptor, message, arena, err);
    bool ok = reply != NULL;

    for (size_t i = 0; ok && i < reply->n_containers; i++)
        ok = visit_container(reply->containers[i], visit, arg, err);
    return ok;
}

bool containers_wire_visit_one(const struct buf *message, struct arena *arena,
                               containers_visit *visit, void *arg, struct error *err)
{
    const Containers__ListStreamResponse *reply =
        wire_unpack(&containers__list_stream_response__descriptor, message, arena, err);

    if (!reply)
        return false;
    return !reply->container || visit_container(reply->container, visit, arg, err);
}
