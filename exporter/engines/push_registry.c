/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Push, engine "registry": everything that a push asks of the network, and nothing of a runtime.
 *
 * Layers are made once before, to know their digests, and once more while they are sent: nothing
 * is kept, and nothing is hashed while the clock runs. Needs no socket and no privilege.
 */
#include "engines/image/upload.h"

#include "base/clock.h"

/* A layer that is made on its way. */
struct making {
    const struct generated_image *image;
    size_t number;
    struct generated_layer layer;
};

static bool rewind_layer(void *arg, struct cancel *cancel, struct error *err)
{
    struct making *making = arg;

    (void)cancel;
    return generated_layer_open(&making->layer, making->image, making->number, err);
}

static bool read_layer(void *arg, void *data, size_t size, size_t *n, struct error *err)
{
    struct making *making = arg;

    (void)err;
    generated_layer_read(&making->layer, data, size, n);
    return true;
}

static bool open_blob(void *arg, const struct descriptor *blob, struct registry_source *source,
                      struct error *err)
{
    const struct generated_image *image = arg;
    struct making *making;

    if (blob == &image->config)
        return upload_open_document(&image->config_body, source, err);
    making = malloc(sizeof(*making));
    if (!making)
        return error_memory(err);
    *making = (struct making){.image = image, .number = (size_t)(blob - image->layers)};
    *source = (struct registry_source){rewind_layer, read_layer, making};
    return true;
}

static void close_blob(struct registry_source *source)
{
    free(source->arg);
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
        return error_set(err, ERROR_UNSUPPORTED, "there is no daemon that holds %s",
                         request->push.content.image);
    ok = generated_image_init(&image, &request->push.content, &request->platform.accepted[0],
                              cancel, err);
    result->seconds = ns_to_seconds(clock_now_ns() - start_ns); /* should it end here */
    if (!ok)
        return false;
    generated_image_note(&image, result);
    upload_plan_made(&plan, &image, blobs);
    return upload_image(&plan, request, result, cancel, err);
}

const struct engine push_registry_engine = {
    .operation = "push",
    .name = "registry",
    .abilities = ENGINE_PLATFORM | ENGINE_OWN_NETWORK | ENGINE_CHUNKS | ENGINE_MOUNT | ENGINE_TYPES,
    .preference = 1,
    .run = run,
};
