/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/wire/containerd_wire.h"

#include "containerd/wire/types_wire.h"
#include "daemon.pb-c.h"
#include "namespaces.pb-c.h"

bool containerd_wire_version(const struct buf *message, struct arena *arena,
                             struct containerd_identity *identity, struct error *err)
{
    const Daemon__VersionResponse *reply =
        wire_unpack(&daemon__version_response__descriptor, message, arena, err);

    if (!reply)
        return false;
    identity->version = reply->version;
    identity->revision = reply->revision;
    return true;
}

bool containerd_wire_server(const struct buf *message, struct arena *arena,
                            struct containerd_identity *identity, struct error *err)
{
    const Daemon__ServerResponse *reply =
        wire_unpack(&daemon__server_response__descriptor, message, arena, err);

    if (reply)
        identity->uuid = reply->uuid;
    return reply != NULL;
}

bool containerd_wire_health(const struct buf *message, struct arena *arena, bool *serving,
                            struct error *err)
{
    const Daemon__HealthCheckResponse *reply =
        wire_unpack(&daemon__health_check_response__descriptor, message, arena, err);

    if (reply)
        *serving = reply->status == 1;
    return reply != NULL;
}

bool containerd_wire_namespaces(const struct buf *message, struct arena *arena,
                                struct containerd_namespaces *namespaces, struct error *err)
{
    const Namespaces__ListResponse *reply =
        wire_unpack(&namespaces__list_response__descriptor, message, arena, err);

    if (!reply)
        return false;
    namespaces->count = 0;
    namespaces->items = arena_alloc(arena, reply->n_namespaces * sizeof(*namespaces->items));
    for (size_t i = 0; namespaces->items && i < reply->n_namespaces; i++) {
        const Namespaces__Namespace *from = reply->namespaces[i];
        struct containerd_namespace *to = &namespaces->items[namespaces->count++];

        to->name = from->name;
        if (!wire_labels_in(&to->labels, from->labels, from->n_labels, arena))
            break;
    }
    return arena_ok(arena, err);
}

void containerd_wire_namespace_create(struct buf *out, const char *name,
                                      const struct labels *labels, struct arena *arena)
{
    Namespaces__Namespace namespace = NAMESPACES__NAMESPACE__INIT;
    Namespaces__CreateRequest request = NAMESPACES__CREATE_REQUEST__INIT;

    namespace.name = (char *)name;
    namespace.labels = wire_labels_out(labels, arena);
    namespace.n_labels = namespace.labels ? labels->count : 0;
    request.namespace_ = &namespace;
    wire_pack(&request.base, out);
}

void containerd_wire_namespace_delete(struct buf *out, const char *name)
{
    Namespaces__DeleteRequest request = NAMESPACES__DELETE_REQUEST__INIT;

    request.name = (char *)name;
    wire_pack(&request.base, out);
}
