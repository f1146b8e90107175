/* SPDX-License-Identifier: Apache-2.0 */
/* Everything points into the unpacked reply, in the caller's arena. */
#include "containerd/wire/introspection_wire.h"

#include "containerd/wire/time_wire.h"
#include "containerd/wire/types_wire.h"
#include "daemon.pb-c.h"

static bool detail(struct plugin_detail *to, const Daemon__Plugin *from, struct arena *arena)
{
    to->plugin = (struct containerd_plugin){.type = from->type, .id = from->id};
    if (from->init_err) {
        to->plugin.init_error = from->init_err->message;
        to->init_code = rpc_status_name(from->init_err->code);
    }
    to->capabilities = (const char *const *)from->capabilities;
    to->n_capabilities = from->n_capabilities;
    return wire_labels_in(&to->exports, from->exports, from->n_exports, arena);
}

bool introspection_wire_plugins(const struct buf *message, struct arena *arena,
                                struct plugin_details *plugins, struct error *err)
{
    const Daemon__PluginsResponse *reply =
        wire_unpack(&daemon__plugins_response__descriptor, message, arena, err);

    if (!reply)
        return false;
    plugins->count = 0;
    plugins->items = arena_alloc(arena, reply->n_plugins * sizeof(*plugins->items));
    for (size_t i = 0; plugins->items && i < reply->n_plugins; i++)
        if (!detail(&plugins->items[plugins->count++], reply->plugins[i], arena))
            break;
    return arena_ok(arena, err);
}

bool introspection_wire_deprecations(const struct buf *message, struct arena *arena,
                                     struct deprecations *deprecations, struct error *err)
{
    const Daemon__ServerResponse *reply =
        wire_unpack(&daemon__server_response__descriptor, message, arena, err);

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
