/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pull, engine "registry": the network part of a pull, without a runtime.
 *
 * The exporter fetches manifests, configuration and layers as for containerd, verifies them and
 * discards them. It needs no socket and no privilege.
 */
#include "engines/image/parallel_blobs.h"
#include "engines/image/remote_image.h"

#include "base/clock.h"
#include "registry/registry_blob.h"

static bool drop(void *arg, const void *data, size_t size, struct error *err)
{
    (void)arg, (void)data, (void)size, (void)err;
    return true;
}

static bool fetch_layer(void *arg, struct registry *registry, const struct descriptor *layer,
                        struct cancel *cancel, struct error *err)
{
    return registry_blob(registry, layer, drop, arg, cancel, err) ||
           remote_layer_failed(layer, err);
}

static bool fetch(const struct engine_request *request, struct remote_image *image,
                  struct registry *registry, struct engine_result *result, struct cancel *cancel,
                  struct error *err)
{
    ENGINE_PHASE(result, PHASE_FETCH);
    const struct parallel_blobs_plan plan = {.registry = registry,
                                             .blobs = image->layers,
                                             .count = image->n_layers,
                                             .at_once = request->max_concurrent_downloads,
                                             .fetch = fetch_layer,
                                             .progress = request->progress};

    return remote_image_fetch_configs(image, registry, cancel, err) &&
           parallel_blobs_run(&plan, cancel, err);
}

static bool run(const struct engine_request *request, struct engine_result *result,
                struct cancel *cancel, struct error *err)
{
    int64_t start_ns = clock_now_ns();
    CLEANUP(registry_freep)
    struct registry *registry = engine_registry(request, false, err);
    CLEANUP(remote_image_deinit) struct remote_image image;
    bool ok;

    remote_image_init(&image);
    if (!registry)
        return false;
    ok = remote_image_resolve(&image, registry, request, result, cancel, err) &&
         fetch(request, &image, registry, result, cancel, err);
    result->seconds = ns_to_seconds(clock_now_ns() - start_ns);
    result->traffic = *registry_traffic(registry);
    return ok;
}

const struct engine pull_registry_engine = {
    .operation = "pull",
    .name = "registry",
    .abilities = ENGINE_PLATFORM | ENGINE_ALL_PLATFORMS | ENGINE_OWN_NETWORK | ENGINE_SEES_HOST |
                 ENGINE_SEES_MANIFEST,
    .preference = 1,
    .run = run,
};
