/* SPDX-License-Identifier: Apache-2.0 */
/* From a probe's settings to what its engine is told: hosts, credentials, and which engine. */
#include "probe/probe.h"

#include "base/buf.h"
#include "base/clock.h"
#include "containerd/daemon_version.h"
#include "engines/engines.h"

#include <stdio.h>
#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)1 << 20)
#define NAME_MAX_BYTES    ((size_t)2048)

/* containerd 1.6 and 1.7 read a hosts.toml less kindly than 2 does. */
static bool runs_containerd_1(const struct probe *probe, struct arena *arena, struct cancel *cancel)
{
    struct containerd_identity identity;
    struct error ignored; /* the pull itself will tell */

    return probe->engine && strcmp(probe->engine->name, "client") == 0 &&
           containerd_identify(probe->node->containerd, arena, &identity, cancel, &ignored) &&
           daemon_version(identity.version) < DAEMON_VERSION(2, 0);
}

static bool find_hosts(struct probe_request *request, const struct probe *probe,
                       struct cancel *cancel, struct error *err)
{
    struct host_options options = probe->host;
    const struct reference *reference = &request->engine.reference;

    options.roots = probe->node->hosts_roots;
    options.like_containerd_1 = runs_containerd_1(probe, &request->arena, cancel);
    return hosts_find(reference, &options, &request->arena, &request->hosts, &request->warning,
                      err);
}

const struct credentials_settings *probe_auth(const struct probe *probe)
{
    return credentials_configured(&probe->auth) ? &probe->auth : &probe->registry_auth;
}

bool probe_references(const struct probe *probe, const struct placeholders *values,
                      struct arena *arena, struct reference *image, struct reference *new_tag,
                      const char **key, struct error *err)
{
    const char *text = placeholder_fill(probe->image, values, arena, err), *tag;
    CLEANUP(buf_deinit) struct buf name = BUF_INIT(NAME_MAX_BYTES);

    *key = "image";
    *new_tag = (struct reference){0};
    if (!text || !reference_parse(image, text, arena, err))
        return false;
    if (!probe->tag || !*probe->tag)
        return true;
    *key = "tag";
    tag = placeholder_fill(probe->tag, values, arena, err);
    if (!tag)
        return false;
    if (strpbrk(tag, "/@"))
        return error_set(err, ERROR_INVALID, "\"%s\" is not a tag", tag);
    buf_printf(&name, "%s/%s:%s", image->host, image->repository, tag);
    return buf_ok(&name, err) && reference_parse(new_tag, name.data, arena, err);
}

const char *probe_image_text(const struct probe *probe)
{
    return strchr(probe->image, '{') ? probe->image : probe->reference.name;
}

/* Whose credentials they are, and never what they are. */
static void note_credentials(const struct probe *probe, const struct credentials *found,
                             struct progress *progress)
{
    const struct credentials_settings *auth = probe_auth(probe);
    const char *owner = auth == &probe->auth ? "the probe" : "the registry";

    if (credentials_any(found))
        progress_note(progress, "credentials: %s of %s", found->source, owner);
    else if (credentials_configured(auth))
        progress_note(progress, "the settings of %s have no credentials for this", owner);
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
        .containerd = probe->node->containerd,
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
        .snapshotter = probe->snapshotter,
        .max_concurrent_downloads = (unsigned)probe->max_concurrent_downloads,
        .push = probe->push,
        .lifetime_seconds = left_ns / NS_PER_SECOND + LEFTOVER_SECONDS,
        .one_shot = *probe->node->one_shot != 0,
    };
    request->engine.push.last_digest = probe->counters.last_success_run.digest;
    if (!probe_references(probe, &now, &request->arena, &request->engine.reference,
                          &request->engine.new_tag, &key, err) ||
        !credentials_find(probe_auth(probe), &request->engine.reference,
                          probe->node->credential_cache, &request->credentials, cancel, err))
        return false;
    note_credentials(probe, &request->credentials, progress);
    return find_hosts(request, probe, cancel, err);
}

void probe_request_deinit(struct probe_request *request)
{
    credentials_deinit(&request->credentials);
    arena_deinit(&request->arena);
}

const char *probe_engine_name(const struct probe *probe)
{
    return probe->engine ? probe->engine->name : probe->engine_name;
}

const struct engine *probe_read_back(const struct probe *probe)
{
    const struct engine *same;

    if (strcmp(probe->operation, "roundtrip") != 0)
        return NULL;
    if (probe->read_back)
        return probe->read_back;
    same = probe->engine ? engine_find("pull", probe->engine->name) : NULL;
    return same ? same : engine_find("pull", "registry");
}

static bool better(const struct probe *probe, const struct engine *engine,
                   const struct engine *best)
{
    return strcmp(engine->operation, probe->engine_operation) == 0 &&
           engine->preference > (best ? best->preference : 0);
}

static bool has_abilities(const struct probe *probe, const struct engine *engine)
{
    struct probe with = *probe;
    const char *key;
    struct error ignored;

    with.engine = engine;
    return probe_check_abilities(&with, &key, &ignored);
}

bool probe_choose_engine(struct probe *probe, const struct probe_request *request,
                         struct cancel *cancel, struct error *err)
{
    const struct engine *best = probe->engine;

    if (strcmp(probe->engine_name, ENGINE_AUTO) != 0)
        return true;
    for (size_t i = 0; engines[i]; i++) {
        const struct engine *engine = engines[i];
        struct error ignored;

        if (better(probe, engine, best) && has_abilities(probe, engine) &&
            (!engine->offered || engine->offered(&request->engine, cancel, &ignored)))
            best = engine;
    }
    if (!best)
        return error_set(err, ERROR_UNSUPPORTED, "this node offers no engine for this");
    if (probe->engine && probe->engine != best)
        probe_reset(probe); /* what was counted is another engine's */
    probe->engine = best;
    return true;
}
