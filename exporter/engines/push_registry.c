/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Push, engine "registry": the network part of a push, without a runtime.
 *
 * Layers are generated twice: once before the push, for their digests, and once while they are
 * sent. So nothing is stored, and nothing is hashed while the clock runs. The engine needs no
 * socket and no privilege.
 */
#include "engines/image/upload.h"

#include "base/clock.h"

#include <string.h>

/* A blob as the body of an upload. Layers are generated while they are sent. */
struct blob_source {
    const struct generated_image *image;
    size_t number; /* of the layer; n_layers means the configuration */
    struct generated_layer layer;
    size_t config_at;
};

static bool rewind_blob(void *arg, struct cancel *cancel, struct error *err)
{
    struct blob_source *source = arg;

    (void)cancel;
    source->config_at = 0;
    generated_layer_close(&source->layer);
    return source->number == source->image->n_layers ||
           generated_layer_open(&source->layer, source->image, source->number, err);
}

static bool read_blob(void *arg, void *data, size_t size, size_t *n, struct error *err)
{
    struct blob_source *source = arg;
    const struct buf *config = &source->image->config_body;
    size_t left = config->size - source->config_at;

    (void)err;
    if (source->number < source->image->n_layers) {
        generated_layer_read(&source->layer, data, size, n);
        return true;
    }
    *n = left < size ? left : size;
    memcpy(data, config->data + source->config_at, *n);
    source->config_at += *n;
    return true;
}

static bool open_blob(void *arg, const struct descriptor *blob, struct registry_source *out,
                      struct error *err)
{
    const struct generated_image *image = arg;
    struct blob_source *source = calloc(1, sizeof(*source));

    if (!source)
        return error_memory(err);
    source->image = image;
    source->number = blob == &image->config ? image->n_layers : (size_t)(blob - image->layers);
    *out = (struct registry_source){rewind_blob, read_blob, source};
    return true;
}

static void close_blob(struct registry_source *out)
{
    struct blob_source *source = out->arg;

    generated_layer_close(&source->layer);
    free(source);
}

static bool run(const struct engine_request *request, struct engine_result *result,
                struct cancel *cancel, struct error *err)
{
    const struct descriptor *blobs[GENERATED_LAYERS_MAX + 1];
    int64_t start_ns = clock_now_ns();
    CLEANUP(registry_freep)
    struct registry *registry = engine_registry(request, true, err);
    CLEANUP(generated_image_deinit) struct generated_image image = {0};
    struct upload_plan plan = {
        .registry = registry, .open = open_blob, .close = close_blob, .arg = &image};
    bool ok;

    if (!registry)
        return false;
    if (*request->push.content.image)
        return error_set(err, ERROR_UNSUPPORTED,
                         "engine registry uses no daemon that could have the image %s",
                         request->push.content.image);
    ok = generated_image_init(&image, &request->push.content, &request->platform.accepted[0],
                              cancel, err);
    result->seconds = ns_to_seconds(clock_now_ns() - start_ns); /* in case the run ends here */
    if (!ok)
        return false;
    generated_image_report(&image, result);
    upload_plan_generated(&plan, &image, blobs);
    return upload_image(&plan, request, result, cancel, err);
}

const struct engine push_registry_engine = {
    .operation = "push",
    .name = "registry",
    .abilities = ENGINE_PLATFORM | ENGINE_OWN_NETWORK | ENGINE_CHUNKS | ENGINE_MOUNT | ENGINE_TYPES,
    .preference = 1,
    .run = run,
};
