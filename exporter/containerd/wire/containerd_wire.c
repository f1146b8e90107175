/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/wire/containerd_wire.h"

#include "containerd/wire/types_wire.h"
#include "daemon.pb-c.h"
#include "namespaces.pb-c.h"

bool containerd_wire_version(const struct buf *message, struct arena *arena, void *out,
                             struct error *err)
{
    const Daemon__VersionResponse *reply =
        wire_unpack(&daemon__version_response__descriptor, message, arena, err);
    struct containerd_identity *identity = out;

    if (!reply)
        return false;
    identity->version = reply->version;
    identity->revision = reply->revision;
    return true;
}

bool containerd_wire_server(const struct buf *message, struct arena *arena, void *out,
                            struct error *err)
{
    const Daemon__ServerResponse *reply =
        wire_unpack(&daemon__server_response__descriptor, message, arena, err);
    struct containerd_identity *identity = out;

    if (reply)
        identity->uuid = reply->uuid;
    return reply;
}

bool containerd_wire_health(const struct buf *message, struct arena *arena, void *out,
                            struct error *err)
{
    const Daemon__HealthCheckResponse *reply =
        wire_unpack(&daemon__health_check_response__descriptor, message, arena, err);
    bool *serving = out;

    if (reply)
        *serving = reply->status == 1;
    return reply;
}

bool containerd_wire_namespaces(const struct buf *message, struct arena *arena, void *out,
                                struct error *err)
{
    const Namespaces__ListResponse *reply =
        wire_unpack(&namespaces__list_response__descriptor, message, arena, err);
    struct containerd_namespaces *namespaces = out;

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

void containerd_wire_name(struct buf *out, const char *name)
{
    Namespaces__DeleteRequest request = NAMESPACES__DELETE_REQUEST__INIT;

    request.name = (char *)name;
    wire_pack(&request.base, out);
}

static bool read_plugin(struct plugin *to, const Daemon__Plugin *from, struct arena *arena)
{
    *to = (struct plugin){
        .type = from->type,
        .id = from->id,
        .capabilities = (const char *const *)from->capabilities,
        .n_capabilities = from->n_capabilities,
    };
    if (from->init_err) {
        to->init_error = from->init_err->message;
        to->init_code = rpc_status_name(from->init_err->code);
    }
    return wire_labels_in(&to->exports, from->exports, from->n_exports, arena);
}

bool introspection_wire_plugins(const struct buf *message, struct arena *arena, void *out,
                                struct error *err)
{
    const Daemon__PluginsResponse *reply =
        wire_unpack(&daemon__plugins_response__descriptor, message, arena, err);
    struct plugins *plugins = out;

    if (!reply)
        return false;
    plugins->count = 0;
    plugins->items = arena_alloc(arena, reply->n_plugins * sizeof(*plugins->items));
    for (size_t i = 0; plugins->items && i < reply->n_plugins; i++)
        if (!read_plugin(&plugins->items[plugins->count++], reply->plugins[i], arena))
            break;
    return arena_ok(arena, err);
}

bool introspection_wire_deprecations(const struct buf *message, struct arena *arena, void *out,
                                     struct error *err)
{
    const Daemon__ServerResponse *reply =
        wire_unpack(&daemon__server_response__descriptor, message, arena, err);
    struct deprecations *deprecations = out;

    if (!reply)
        return false;
    deprecations->count = 0;
    deprecations->items = arena_alloc(arena, reply->n_deprecations * sizeof(*deprecations->items));
    for (size_t i = 0; deprecations->items && i < reply->n_deprecations; i++)
        deprecations->items[deprecations->count++] = (struct deprecation){
            .id = reply->deprecations[i]->id,
            .last_occurrence = wire_unix_seconds(reply->deprecations[i]->last_occurrence),
        };
    return arena_ok(arena, err);
}
