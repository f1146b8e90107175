/* SPDX-License-Identifier: Apache-2.0 */
/* Two calls that belong to no namespace. */
#include "containerd/introspection.h"

#include "containerd/wire/introspection_wire.h"

#include <string.h>

#define REPLY_LIMIT_BYTES ((size_t)16 << 20)
#define SERVICE           "/containerd.services.introspection.v1.Introspection/"

static bool ask(struct containerd *daemon, const char *method, struct buf *reply,
                struct cancel *cancel, struct error *err)
{
    const struct scope nowhere = {.daemon = daemon};
    const struct buf nothing = BUF_INIT(0);

    return containerd_call(&nowhere, method, &nothing, reply, cancel, err);
}

bool introspection_plugins(struct containerd *daemon, struct arena *arena,
                           struct plugin_details *plugins, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    return ask(daemon, SERVICE "Plugins", &reply, cancel, err) &&
           introspection_wire_plugins(&reply, arena, plugins, err);
}

const char *plugin_export(const struct plugin_details *plugins, const char *type, const char *name)
{
    for (size_t i = 0; i < plugins->count; i++)
        if (strcmp(plugins->items[i].plugin.type, type) == 0) {
            const char *value = labels_get(&plugins->items[i].exports, name);

            return value ? value : "";
        }
    return "";
}

bool introspection_deprecations(struct containerd *daemon, struct arena *arena,
                                struct deprecations *deprecations, struct cancel *cancel,
                                struct error *err)
{
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);

    return ask(daemon, SERVICE "Server", &reply, cancel, err) &&
           introspection_wire_deprecations(&reply, arena, deprecations, err);
}
