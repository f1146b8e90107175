/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/daemon/transfer_session.h"

#include "containerd/introspection.h"

#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)4 << 20)

static bool check(const struct transfer_session *daemon, const struct engine_request *request,
                  struct error *err)
{
    bool has_hosts = request->hosts && request->hosts->file && *request->hosts->file;

    if (!daemon->rules->transfers)
        return error_set(err, ERROR_UNSUPPORTED,
                         "containerd %s has no transfer service: containerd 1.7 or later is needed",
                         daemon->version);
    if (!daemon->rules->reads_hosts && request->plain_http)
        return error_set(
            err, ERROR_UNSUPPORTED,
            "the transfer service of containerd %s supports https only: containerd 2.0 or "
            "later is needed for plain http",
            daemon->version);
    if (!daemon->rules->reads_hosts && has_hosts)
        return error_set(
            err, ERROR_UNSUPPORTED,
            "the transfer service of containerd %s does not read %s: containerd 2.0 or later "
            "is needed",
            daemon->version, request->hosts->file);
    if (request->credentials->registry_token.text && !request->credentials->password.text &&
        !request->credentials->identity_token.text)
        return error_set(err, ERROR_UNSUPPORTED,
                         "containerd's transfer service does not support registry tokens");
    return true;
}

bool transfer_session_init(struct transfer_session *daemon, const struct engine_request *request,
                           struct arena *arena, struct cancel *cancel, struct error *err)
{
    struct containerd_identity identity;

    if (!containerd_identify(request->containerd, arena, &identity, cancel, err))
        return false;
    *daemon = (struct transfer_session){
        .version = identity.version,
        .rules = transfer_rules_of(identity.version),
    };
    return check(daemon, request, err);
}

static bool has_plugin(const struct plugins *plugins, const char *type, const char *id)
{
    for (size_t i = 0; i < plugins->count; i++) {
        const struct plugin *plugin = &plugins->items[i];

        if (strcmp(plugin->type, type) == 0 && strcmp(plugin->id, id) == 0)
            return !plugin->init_error;
    }
    return false;
}

bool transfer_session_offered(const struct engine_request *request, struct cancel *cancel,
                              struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct containerd_identity identity;
    struct plugins plugins;

    if (!containerd_identify(request->containerd, &arena, &identity, cancel, err) ||
        !introspection_plugins(request->containerd, &arena, &plugins, cancel, err))
        return false;
    if (!transfer_rules_of(identity.version)->reads_hosts)
        return error_set(
            err, ERROR_UNSUPPORTED,
            "the transfer service of containerd %s is not reliable: containerd 2.0 or later "
            "is needed",
            identity.version);
    return (has_plugin(&plugins, "io.containerd.grpc.v1", "transfer") &&
            has_plugin(&plugins, "io.containerd.transfer.v1", "local")) ||
           error_set(err, ERROR_UNSUPPORTED, "containerd has no transfer plugin loaded");
}

struct transfer transfer_of_request(const struct engine_request *request, struct arena *arena)
{
    return (struct transfer){
        .reference = request->reference.name,
        .name = request->reference.name,
        .hosts_dir = hosts_root(&request->reference, request->hosts_roots, arena),
        .default_scheme = request->plain_http ? "http" : "",
        .platform = &request->platform.accepted[0],
        .snapshotter = "",
        .credentials = request->credentials,
        .credentials_host = request->reference.endpoint,
    };
}
