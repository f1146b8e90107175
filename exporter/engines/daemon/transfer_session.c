/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/daemon/transfer_session.h"

#include "containerd/introspection.h"

#include "base/clock.h"

#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)4 << 20)

static bool check(const struct transfer_rules *rules, const char *version,
                  const struct engine_request *request, struct error *err)
{
    bool has_hosts = request->hosts && request->hosts->file && *request->hosts->file;

    if (!rules->transfers)
        return error_set(err, ERROR_UNSUPPORTED,
                         "containerd %s has no transfer service: containerd 1.7 or later is needed",
                         version);
    if (!rules->reads_hosts && request->plain_http)
        return error_set(
            err, ERROR_UNSUPPORTED,
            "the transfer service of containerd %s supports https only: containerd 2.0 or "
            "later is needed for plain http",
            version);
    if (!rules->reads_hosts && has_hosts)
        return error_set(
            err, ERROR_UNSUPPORTED,
            "the transfer service of containerd %s does not read %s: containerd 2.0 or later "
            "is needed",
            version, request->hosts->file);
    if (request->credentials->registry_token.text && !request->credentials->password.text &&
        !request->credentials->identity_token.text)
        return error_set(err, ERROR_UNSUPPORTED,
                         "containerd's transfer service does not support registry tokens");
    return true;
}

static bool init(struct transfer_session *session, struct error *err)
{
    struct containerd_identity identity;

    if (!containerd_identify(session->request->containerd, &session->arena, &identity,
                             session->cancel, err))
        return false;
    session->rules = transfer_rules_of(identity.version);
    return check(session->rules, identity.version, session->request, err);
}

bool transfer_session_run(const struct engine_request *request, struct engine_result *result,
                          struct cancel *cancel, struct error *err,
                          bool (*work)(struct transfer_session *session, struct error *err))
{
    struct transfer_session session = {
        .request = request,
        .result = result,
        .cancel = cancel,
        .arena = ARENA_INIT(ARENA_LIMIT_BYTES),
        .progress = TRANSFER_PROGRESS_INIT,
        .start_ns = clock_now_ns(),
    };
    bool ok = init(&session, err) && work(&session, err);

    result->seconds =
        seconds_between(session.start_ns, session.ended_ns ? session.ended_ns : clock_now_ns());
    workspace_close(&session.workspace, cancel, result);
    transfer_progress_deinit(&session.progress);
    arena_deinit(&session.arena);
    return ok;
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
    return (plugins_have(&plugins, "io.containerd.grpc.v1", "transfer") &&
            plugins_have(&plugins, "io.containerd.transfer.v1", "local")) ||
           error_set(err, ERROR_UNSUPPORTED, "containerd has no transfer plugin loaded");
}

static void on_progress(void *arg, const struct transfer_event *event)
{
    transfer_progress_add(arg, event);
}

struct transfer transfer_session_request(struct transfer_session *session)
{
    const struct engine_request *request = session->request;

    session->progress.report = request->progress;
    return (struct transfer){
        .reference = request->reference.name,
        .name = request->reference.name,
        .hosts_dir = hosts_root(&request->reference, request->hosts_roots, &session->arena),
        .default_scheme = request->plain_http ? "http" : "",
        .platform = &request->platform.accepted[0],
        .snapshotter = "",
        .credentials = request->credentials,
        .credentials_host = request->reference.endpoint,
        .progress = on_progress,
        .arg = &session->progress,
    };
}
