/* SPDX-License-Identifier: Apache-2.0 */
/* Which engine works for a probe, and whether the engine supports the settings. */
#include "probe/probe_engine_choice.h"

#include "base/buf.h"
#include "engines/engines.h"
#include "probe/probe_counters.h"

#include <string.h>

bool probe_engine_find(struct probe *probe, const char **key, struct error *err)
{
    CLEANUP(buf_deinit) struct buf names = BUF_INIT(1024);

    *key = "engine";
    probe->engine = engine_find(probe->engine_operation, probe->engine_name);
    if (probe->engine || strcmp(probe->engine_name, ENGINE_AUTO) == 0)
        return true;
    for (size_t i = 0; engines[i]; i++)
        if (strcmp(engines[i]->operation, probe->engine_operation) == 0)
            buf_printf(&names, "%s, ", engines[i]->name);
    return error_set(
        err, ERROR_INVALID, "unknown engine \"%s\" for operation %s: expected one of %s%s",
        probe->engine_name, probe->operation, names.data ? names.data : "", ENGINE_AUTO);
}

bool probe_engine_check_abilities(const struct probe *probe, const char **key, struct error *err)
{
    const struct {
        unsigned ability;
        bool wanted;
        const char *key;
    } needs[] = {
        {ENGINE_ALL_PLATFORMS, probe->all_platforms, "platform"},
        {ENGINE_PLATFORM, *probe->platform && !probe->all_platforms, "platform"},
        {ENGINE_UNPACK, !probe->unpack, "unpack"},
        {ENGINE_SNAPSHOTTER,
         *probe->snapshotter && strcmp(probe->snapshotter, PROBE_DEFAULT_SNAPSHOTTER) != 0,
         "snapshotter"},
        {ENGINE_OWN_NETWORK, probe->family != HTTP_FAMILY_ANY, "address_family"},
        {ENGINE_OWN_NETWORK, probe->max_concurrent_downloads != PROBE_DEFAULT_DOWNLOADS,
         "max_concurrent_downloads"},
        {ENGINE_SEES_MANIFEST, *probe->expected.manifest_digest != '\0',
         "expected.manifest_digest"},
        {ENGINE_SEES_HOST, *probe->expected.served_by != '\0', "expected.served_by"},
        {ENGINE_DAEMON_IMAGE, *probe->push.content.image != '\0', "content.image"},
        {ENGINE_NAMESPACE, strcmp(probe->push.content.name_space, PROBE_DEFAULT_NAMESPACE) != 0,
         "content.namespace"},
        {ENGINE_TYPES, probe->push.content.docker_types, "content.format"},
        {ENGINE_TYPES, probe->push.content.index, "content.index"},
        {ENGINE_CHUNKS, probe->push.chunk_bytes > 0, "upload.chunk_size"},
        {ENGINE_MOUNT, *probe->push.mount_from != '\0', "upload.mount_from"},
    };

    for (size_t i = 0; probe->engine && i < sizeof(needs) / sizeof(needs[0]); i++) {
        *key = needs[i].key;
        if (needs[i].wanted && !(probe->engine->abilities & needs[i].ability))
            return error_set(err, ERROR_UNSUPPORTED,
                             "setting \"%s\" is not supported by engine \"%s\"", *key,
                             probe->engine->name);
    }
    return true;
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
    return probe_engine_check_abilities(&with, &key, &ignored);
}

bool probe_engine_choose(struct probe *probe, const struct engine_request *request,
                         struct cancel *cancel, struct error *err)
{
    const struct engine *best = probe->engine;

    if (strcmp(probe->engine_name, ENGINE_AUTO) != 0)
        return true;
    for (size_t i = 0; engines[i]; i++) {
        const struct engine *engine = engines[i];
        struct error ignored;

        if (better(probe, engine, best) && has_abilities(probe, engine) &&
            (!engine->offered || engine->offered(request, cancel, &ignored)))
            best = engine;
    }
    if (!best)
        return error_set(err, ERROR_UNSUPPORTED,
                         "engine auto: this node offers no engine for these settings");
    if (probe->engine && probe->engine != best)
        probe_counters_reset(&probe->counters); /* the old counts belong to another engine */
    probe->engine = best;
    return true;
}
