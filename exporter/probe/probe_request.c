/* SPDX-License-Identifier: Apache-2.0 */
/* From a probe's settings to what its engine is told: hosts, credentials, and which engine. */
#include "probe/probe.h"

#include "base/buf.h"
#include "base/clock.h"
#include "containerd/daemon_version.h"

#include <stdio.h>
#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)1 << 20)
#define NAME_MAX_BYTES    ((size_t)2048)

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
    const struct reference *reference = &request->probe.reference;

    options.roots = canary->shared->hosts_roots;
    options.like_containerd_1 = runs_containerd_1(canary, &request->arena, cancel);
    return hosts_find(reference, &options, &request->arena, &request->hosts, &request->warning,
                      err);
}

const struct credentials_settings *canary_auth(const struct canary *canary)
{
    return credentials_configured(&canary->auth) ? &canary->auth : &canary->registry_auth;
}

bool canary_references(const struct canary *canary, const struct placeholders *values,
                       struct arena *arena, struct reference *image, struct reference *new_tag,
                       const char **key, struct error *err)
{
    const char *text = placeholder_fill(canary->image, values, arena, err), *tag;
    CLEANUP(buf_deinit) struct buf name = BUF_INIT(NAME_MAX_BYTES);

    *key = "image";
    *new_tag = (struct reference){0};
    if (!text || !reference_parse(image, text, arena, err))
        return false;
    if (!canary->tag || !*canary->tag)
        return true;
    *key = "tag";
    tag = placeholder_fill(canary->tag, values, arena, err);
    if (!tag)
        return false;
    if (strpbrk(tag, "/@"))
        return error_set(err, ERROR_INVALID, "\"%s\" is not a tag", tag);
    buf_printf(&name, "%s/%s:%s", image->host, image->repository, tag);
    return buf_ok(&name, err) && reference_parse(new_tag, name.data, arena, err);
}

const char *canary_image_text(const struct canary *canary)
{
    return strchr(canary->image, '{') ? canary->image : canary->reference.name;
}

/* Whose credentials they are, and never what they are. */
static void note_credentials(const struct canary *canary, const struct credentials *found,
                             struct progress *progress)
{
    const struct credentials_settings *auth = canary_auth(canary);
    const char *owner = auth == &canary->auth ? "the probe" : "the registry";

    if (credentials_any(found))
        progress_note(progress, "credentials: %s of %s", found->source, owner);
    else if (credentials_configured(auth))
        progress_note(progress, "the settings of %s have no credentials for this", owner);
    else
        progress_note(progress, "no credentials");
}

bool canary_request_init(struct canary_request *request, const struct canary *canary,
                         struct progress *progress, struct cancel *cancel, struct error *err)
{
    const struct placeholders now = {canary->shared->node, canary->name,
                                     (int64_t)clock_unix_seconds()};
    int64_t left_ns = cancel->deadline_ns - clock_now_ns();
    const char *key;

    *request = (struct canary_request){.arena = ARENA_INIT(ARENA_LIMIT_BYTES)};
    snprintf(request->name, sizeof(request->name), "%s%s", canary->name, canary->shared->visitor);
    request->probe = (struct probe_request){
        .name = request->name,
        .progress = progress,
        .containerd = canary->shared->containerd,
        .docker = canary->shared->docker,
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
        .push = canary->push,
        .lifetime_seconds = left_ns / NS_PER_SECOND + PROBE_LEFTOVER_SECONDS,
        .visitor = *canary->shared->visitor != 0,
    };
    request->probe.push.last_digest = canary->counters.last_good.digest;
    if (!canary_references(canary, &now, &request->arena, &request->probe.reference,
                           &request->probe.new_tag, &key, err) ||
        !credentials_find(canary_auth(canary), &request->probe.reference,
                          canary->shared->credential_cache, &request->credentials, cancel, err))
        return false;
    note_credentials(canary, &request->credentials, progress);
    return find_hosts(request, canary, cancel, err);
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

const struct probe_engine *canary_read_back(const struct canary *canary)
{
    const struct probe_engine *same;

    if (strcmp(canary->operation, "roundtrip") != 0)
        return NULL;
    if (canary->read_back)
        return canary->read_back;
    same = canary->engine ? probe_engine_find("pull", canary->engine->name) : NULL;
    return same ? same : probe_engine_find("pull", "registry");
}

static bool better(const struct canary *canary, const struct probe_engine *engine,
                   const struct probe_engine *best)
{
    return strcmp(engine->operation, canary->engine_operation) == 0 &&
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
