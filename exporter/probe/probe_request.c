/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the request of one run from the settings of a probe. */
#include "probe/probe_request.h"

#include "base/clock.h"
#include "containerd/containerd.h"
#include "engines/daemon/daemon_hosts.h"
#include "probe/probe_engine_choice.h"
#include "probe/probe_references.h"

#include <stdio.h>
#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)1 << 20)
#define VERSION_NS        NS_PER_SECOND /* a shutdown waits for it */

/* Versions of containerd judge the entries of an index by different rules. */
static void apply_version(struct platform_matcher *matcher, unsigned version)
{
    matcher->no_config_variant = version < DAEMON_VERSION(2, 0);
    matcher->no_dotted_variants = version < DAEMON_VERSION(2, 1);
    matcher->no_features = version >= DAEMON_VERSION(2, 3);
}

/* Finds the version of the node's containerd; "" (the newest) if that does not tell it. Engine
 * "registry" works without one, so it does not wait long. The pull reports a daemon that is gone. A
 * daemon for which the run has waited until its end is reported here.
 */
static bool find_version(const struct probe *probe, struct probe_request *request,
                         const char **version, struct cancel *cancel, struct error *err)
{
    CLEANUP(cancel_deinit) struct cancel short_cancel;
    struct containerd_identity identity;
    bool own = probe->engine && strcmp(probe->engine->name, "registry") == 0;
    int64_t deadline_ns = clock_now_ns() + VERSION_NS;

    if (!own || deadline_ns > cancel->deadline_ns)
        deadline_ns = cancel->deadline_ns;
    cancel_init(&short_cancel, deadline_ns);
    *version = "";
    if (!request->engine.containerd)
        return true;
    if (containerd_identify(request->engine.containerd, &request->arena, &identity,
                            own ? &short_cancel : cancel, err))
        *version = identity.version;
    else if (err->code == ERROR_TIMEOUT && deadline_ns == cancel->deadline_ns)
        return false;
    else
        error_clear(err);
    return true;
}

/* A daemon reads files that the exporter may not see, in a pod or as another user. So a failure is
 * one of the run only if the run needs the list. */
static bool find_hosts(struct probe_request *request, const struct probe *probe,
                       struct cancel *cancel, struct error *err)
{
    struct host_options options = probe->host;
    const char *version;

    if (!find_version(probe, request, &version, cancel, err))
        return false;
    options.roots = probe->node->hosts_roots;
    options.rules = *version ? daemon_hosts_rules(version) : (struct hosts_rules){0};
    apply_version(&request->engine.platform, daemon_version(version));
    if (hosts_find(&request->engine.reference, &options, &request->arena, &request->hosts,
                   &request->warning, &request->hosts_failed))
        return true;
    if (request->hosts_failed.code == ERROR_MEMORY) {
        *err = request->hosts_failed;
        return false;
    }
    request->hosts.failed = &request->hosts_failed;
    request->warning = request->hosts_failed;
    error_wrap(&request->warning, "the exporter does not know the hosts that containerd asks");
    return true;
}

const struct credentials_settings *probe_auth(const struct probe *probe)
{
    return credentials_configured(&probe->auth) ? &probe->auth : &probe->registry_auth;
}

/* Logs where the credentials come from, never their values. */
static void log_credentials(const struct probe *probe, const struct credentials *found,
                            struct progress *progress)
{
    const struct credentials_settings *auth = probe_auth(probe);
    const char *owner = auth == &probe->auth ? "the probe" : "the registry";

    if (credentials_any(found))
        progress_note(progress, "credentials: %s of %s", found->source, owner);
    else if (credentials_configured(auth))
        progress_note(progress, "the credentials of %s do not apply to this image", owner);
    else
        progress_note(progress, "no credentials");
}

bool probe_request_init(struct probe_request *request, const struct probe *probe,
                        struct progress *progress, struct cancel *cancel, struct error *err)
{
    const struct placeholders now = {probe->node->name, probe->name, (int64_t)clock_unix_seconds()};
    int64_t left_ns = cancel->deadline_ns - clock_now_ns();
    const char *key;

    *request = (struct probe_request){.arena = ARENA_INIT(ARENA_LIMIT_BYTES)};
    snprintf(request->name, sizeof(request->name), "%s%s", probe->name, probe->node->one_shot);
    request->engine = (struct engine_request){
        .name = request->name,
        .progress = progress,
        .containerd = containerd_current(probe->node->containerd),
        .docker = probe->node->docker,
        .hosts = &request->hosts,
        .hosts_roots = probe->node->hosts_roots,
        .plain_http = probe->host.plain_http,
        .credentials = &request->credentials,
        .family = (enum http_family)probe->family,
        .platform = probe->matcher,
        .all_platforms = probe->all_platforms,
        .unpack = probe->unpack,
        .cold = probe->cold == COLD_REQUIRED,
        .snapshotter = *probe->snapshotter ? probe->snapshotter : PROBE_DEFAULT_SNAPSHOTTER,
        .any_snapshotter = !*probe->snapshotter,
        .max_concurrent_downloads = (unsigned)probe->max_concurrent_downloads,
        .push = probe->push,
        .lifetime_seconds = left_ns / NS_PER_SECOND + LEFTOVER_SECONDS,
        .one_shot = *probe->node->one_shot != 0,
    };
    request->engine.last_manifest = probe->counters.last_success_run.manifest_digest;
    request->engine.push.last_digest = probe->counters.last_success_run.digest;
    if (!probe_references(probe, &now, &request->arena, &request->engine.reference,
                          &request->engine.new_tag, &key, err) ||
        !credentials_find(probe_auth(probe), &request->engine.reference,
                          probe->node->credential_cache, &request->credentials, cancel, err))
        return false;
    log_credentials(probe, &request->credentials, progress);
    return find_hosts(request, probe, cancel, err);
}

void probe_request_deinit(struct probe_request *request)
{
    credentials_deinit(&request->credentials);
    arena_deinit(&request->arena);
}
