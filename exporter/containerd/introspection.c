/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/introspection.h"

#include "containerd/wire/containerd_wire.h"

#include <string.h>

#define SERVICE "/containerd.services.introspection.v1.Introspection/"

bool introspection_plugins(struct containerd *daemon, struct arena *arena, struct plugins *plugins,
                           struct cancel *cancel, struct error *err)
{
    const struct scope scope = {.daemon = daemon};

    return containerd_query(&scope, SERVICE "Plugins", NULL, introspection_wire_plugins, arena,
                            plugins, cancel, err);
}

bool plugins_have(const struct plugins *plugins, const char *type, const char *id)
{
    for (size_t i = 0; i < plugins->count; i++) {
        const struct plugin *plugin = &plugins->items[i];

        if (strcmp(plugin->type, type) == 0 && strcmp(plugin->id, id) == 0)
            return !plugin->init_error;
    }
    return false;
}

const char *plugin_status(const struct plugin *plugin)
{
    if (!plugin->init_error)
        return "ok";
    return strstr(plugin->init_error, "skip plugin") ? "skip" : "error";
}

const char *plugin_export(const struct plugins *plugins, const char *type, const char *name)
{
    const char *value = NULL;
    size_t i = 0;

    while (i < plugins->count && strcmp(plugins->items[i].type, type) != 0)
        i++;
    if (i < plugins->count)
        value = labels_get(&plugins->items[i].exports, name);
    return value ? value : "";
}

bool introspection_deprecations(struct containerd *daemon, struct arena *arena,
                                struct deprecations *deprecations, struct cancel *cancel,
                                struct error *err)
{
    const struct scope scope = {.daemon = daemon};

    return containerd_query(&scope, SERVICE "Server", NULL, introspection_wire_deprecations, arena,
                            deprecations, cancel, err);
}
