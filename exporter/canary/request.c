/* SPDX-License-Identifier: Apache-2.0 */
/* From a probe's settings to what its engine is told: hosts, credentials, and which engine. */
#include "canary/canary.h"

#include "base/clock.h"
#include "client/daemon_version.h"

#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)1 << 20)
#define LEFTOVER_SECONDS  3600 /* after the timeout, anybody may remove what is left */

/* containerd 1.6 and 1.7 read a hosts.toml less kindly than 2 does. */
static bool runs_containerd_1(const struct canary *canary, struct arena *arena,
                              struct cancel *cancel)
{
    struct containerd_identity identity;
    struct error ignored; /* the pull itself will tell */

    return canary->engine && strcmp(canary->engine->name, "client") == 0 &&
           containerd_identify(canary->shared->containerd, arena, &identity, cancel, &ignored) &&
           daemon_version(identity.version) < DAEMON_VERSION(2, 0);
}

static bool find_hosts(struct canary_request *request, const struct canary *canary,
                       struct cancel *cancel, struct error *err)
{
    struct host_options options = canary->host;

    options.roots = canary->shared->hosts_roots;
    options.like_containerd_1 = runs_containerd_1(canary, &request->arena, cancel);
    return hosts_find(&canary->reference, &options, &request->arena, &request->hosts,
                      &request->warning, err);
}

const struct credentials_settings *canary_auth(const struct canary *canary)
{
    return credentials_configured(&canary->auth) ? &canary->auth : &canary->registry_auth;
}

bool canary_request_init(struct canary_request *request, const struct canary *canary,
                         struct cancel *cancel, struct error *err)
{
    int64_t left_ns = cancel->deadline_ns - clock_now_ns();

    *request = (struct canary_request){.arena = ARENA_INIT(ARENA_LIMIT_BYTES)};
    request->probe = (struct probe_request){
        .name = canary->name,
        .containerd = canary->shared->containerd,
        .docker = canary->shared->docker,
        .reference = canary->reference,
        .hosts = &request->hosts,
        .hosts_roots = canary->shared->hosts_roots,
        .plain_http = canary->host.plain_http,
        .credentials = &request->credentials,
        .family = (enum http_family)canary->family,
        .platform = canary->matcher,
        .all_platforms = canary->all_platforms,
        .unpack = canary->unpack,
        .cold = canary->cold == COLD_REQUIRED,
        .snapshotter = canary->snapshotter,
        .max_concurrent_downloads = (unsigned)canary->max_concurrent_downloads,
        .layers = canary->layers,
        .layer_bytes = canary->layer_bytes,
        .overwrite = canary->overwrite,
        .lifetime_seconds = left_ns / NS_PER_SECOND + LEFTOVER_SECONDS,
    };
    return credentials_find(canary_auth(canary), &canary->reference,
                            canary->shared->credential_cache, &request->credentials, cancel, err) &&
           find_hosts(request, canary, cancel, err);
}

void canary_request_deinit(struct canary_request *request)
{
    credentials_deinit(&request->credentials);
    arena_deinit(&request->arena);
}

const char *canary_engine_name(const struct canary *canary)
{
    return canary->engine ? canary->engine->name : canary->engine_name;
}

static bool better(const struct canary *canary, const struct probe_engine *engine,
                   const struct probe_engine *best)
{
    return strcmp(engine->operation, canary->operation) == 0 &&
           engine->preference > (best ? best->preference : 0);
}

static bool has_abilities(const struct canary *canary, const struct probe_engine *engine)
{
    struct canary with = *canary;
    const char *key;
    struct error ignored;

    with.engine = engine;
    return canary_check_abilities(&with, &key, &ignored);
}

bool canary_choose_engine(struct canary *canary, const struct canary_request *request,
                          struct cancel *cancel, struct error *err)
{
    const struct probe_engine *best = canary->engine;

    if (strcmp(canary->engine_name, CANARY_ENGINE_AUTO) != 0)
        return true;
    for (size_t i = 0; probe_engines[i]; i++) {
        const struct probe_engine *engine = probe_engines[i];
        struct error ignored;

        if (better(canary, engine, best) && has_abilities(canary, engine) &&
            (!engine->offered || engine->offered(&request->probe, cancel, &ignored)))
            best = engine;
    }
    if (!best)
        return error_set(err, ERROR_UNSUPPORTED, "this node offers no engine for this");
    if (canary->engine && canary->engine != best)
        canary_reset(canary); /* what was counted is another engine's */
    canary->engine = best;
    return true;
}
