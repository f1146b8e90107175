/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Push, engine "client": a fresh image goes into containerd's content store, and we
 * send it from there to the registry.
 *
 * Making the image is preparation and not measured. Its layers are new random bytes
 * on every run; a registry that says it has them already did not receive them.
 */
#include "client/content.h"
#include "client/images.h"
#include "probe/generator.h"
#include "probe/probe.h"
#include "probe/workspace.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)1 << 20)
#define REF_BYTES         ((size_t)256)
#define PIECE_BYTES       ((size_t)256 << 10)

struct push {
    const struct probe_request *request;
    struct probe_result *result;
    struct registry *registry;
    struct workspace workspace;
    struct arena arena;
    struct buf config_body, manifest_body;
    struct descriptor config, manifest;
    struct descriptor *layers;
    struct cancel *cancel;
};

/* One layer on its way into the store: everything that is written is hashed. */
struct layer_writer {
    struct content_writer *writer;
    struct digest *digest;
};

static bool layer_write(const struct layer_writer *layer, const void *data, size_t size,
                        struct error *err)
{
    digest_update(layer->digest, data, size);
    return content_writer_write(layer->writer, data, size, err);
}

static bool write_random(const struct layer_writer *layer, struct generator *generator,
                         uint64_t size, struct error *err)
{
    CLEANUP(freep) char *piece = malloc(PIECE_BYTES);

    if (!piece)
        return error_memory(err);
    while (size > 0) {
        size_t n = size < PIECE_BYTES ? (size_t)size : PIECE_BYTES;

        generator_fill(generator, piece, n);
        if (!layer_write(layer, piece, n, err))
            return false;
        size -= n;
    }
    return true;
}

static bool write_tar(const struct layer_writer *layer, struct generator *generator, size_t i,
                      uint64_t file_bytes, struct error *err)
{
    static const char zeros[2048];
    unsigned char header[GENERATOR_HEADER_BYTES];
    char name[32];

    snprintf(name, sizeof(name), "layer-%zu", i);
    generator_tar_header(header, name, file_bytes);
    return layer_write(layer, header, sizeof(header), err) &&
           write_random(layer, generator, file_bytes, err) &&
           layer_write(layer, zeros, (size_t)generator_tar_padding(file_bytes), err);
}

static bool make_layer(struct push *push, struct generator *generator, size_t i, struct error *err)
{
    uint64_t total = generator_tar_bytes(push->request->layer_bytes);
    char ref[REF_BYTES], text[DIGEST_TEXT_BYTES];
    CLEANUP(content_writer_freep) struct content_writer *writer = NULL;
    CLEANUP(digest_freep) struct digest *digest = digest_new(err);
    struct layer_writer layer;

    if (!digest)
        return false;
    snprintf(ref, sizeof(ref), "%s-layer-%zu", push->workspace.lease, i);
    writer = content_writer_open(&push->workspace.scope, ref, total, push->cancel, err);
    layer = (struct layer_writer){writer, digest};
    if (!writer || !write_tar(&layer, generator, i, push->request->layer_bytes, err))
        return false;
    digest_finish(digest, text);
    push->layers[i] = (struct descriptor){
        .media_type = MEDIA_TYPE_OCI_LAYER,
        .digest = arena_strdup(&push->arena, text),
        .size = (int64_t)total,
    };
    return arena_ok(&push->arena, err) &&
           content_writer_commit(writer, text, &(struct labels){0}, err);
}

/* Puts a document into the store; *out describes it. */
static bool store(struct push *push, const char *media_type, const struct buf *body,
                  struct descriptor *out, struct error *err)
{
    char ref[REF_BYTES], text[DIGEST_TEXT_BYTES];
    struct content_info info = {text, body->size};

    if (!buf_ok(body, err) || !digest_of(body->data, body->size, text, err))
        return false;
    *out = (struct descriptor){
        .media_type = media_type,
        .digest = arena_strdup(&push->arena, text),
        .size = (int64_t)body->size,
    };
    snprintf(ref, sizeof(ref), "%s-%s", push->workspace.lease, text);
    return arena_ok(&push->arena, err) &&
           content_put(&push->workspace.scope, ref, &info, body->data, &(struct labels){0},
                       push->cancel, err);
}

static bool make_documents(struct push *push, struct error *err)
{
    size_t n = (size_t)push->request->layers;
    const char **diff_ids = arena_alloc(&push->arena, n * sizeof(*diff_ids));

    if (!diff_ids)
        return arena_ok(&push->arena, err);
    for (size_t i = 0; i < n; i++)
        diff_ids[i] = push->layers[i].digest; /* not compressed: the tar is the layer */
    image_config_write(&push->config_body, &push->request->platform.accepted[0], diff_ids, n);
    if (!store(push, MEDIA_TYPE_OCI_CONFIG, &push->config_body, &push->config, err))
        return false;
    manifest_write(&push->manifest_body, &push->config, push->layers, n);
    return store(push, MEDIA_TYPE_OCI_MANIFEST, &push->manifest_body, &push->manifest, err);
}

static bool make_image(struct push *push, struct error *err)
{
    struct generator generator;
    size_t n = (size_t)push->request->layers;

    push->layers = arena_alloc(&push->arena, n * sizeof(*push->layers));
    if (!push->layers)
        return arena_ok(&push->arena, err);
    if (!generator_init(&generator, err))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!make_layer(push, &generator, i, err))
            return error_wrap(err, "make layer %zu", i);
    return make_documents(push, err);
}

/* What somebody else put there is not ours to replace. */
static bool check_target(struct push *push, struct error *err)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(MANIFEST_LIMIT_BYTES);
    struct descriptor found;

    if (push->request->overwrite)
        return true;
    if (!registry_manifest(push->registry, reference_object(&push->request->reference), &body,
                           &found, &push->arena, push->cancel, err))
        return err->code == ERROR_NOT_FOUND;
    return manifest_is_ours(body.data, body.size) ||
           error_set(err, ERROR_INVALID,
                     "%s is an image that no probe made; overwrite: true replaces it",
                     push->request->reference.name);
}

static void note_identity(struct push *push)
{
    struct probe_result *result = push->result;

    snprintf(result->digest, sizeof(result->digest), "%s", push->manifest.digest);
    snprintf(result->manifest_digest, sizeof(result->manifest_digest), "%s", push->manifest.digest);
    snprintf(result->media_type, sizeof(result->media_type), "%s", push->manifest.media_type);
    snprintf(result->host, sizeof(result->host), "%s", push->request->reference.endpoint);
    result->declared_bytes = (uint64_t)push->manifest.size + (uint64_t)push->config.size;
    for (size_t i = 0; i < push->request->layers; i++)
        result->declared_bytes += (uint64_t)push->layers[i].size;
}

/* A blob in the store as the body of an upload. */
struct blob_source {
    struct push *push;
    const char *digest;
    struct content_reader *reader;
};

static bool rewind_blob(void *arg, struct cancel *cancel, struct error *err)
{
    struct blob_source *source = arg;

    content_reader_freep(&source->reader);
    source->reader =
        content_reader_open(&source->push->workspace.scope, source->digest, cancel, err);
    return source->reader != NULL;
}

static bool read_blob(void *arg, void *data, size_t size, size_t *n, struct error *err)
{
    struct blob_source *source = arg;

    return content_reader_read(source->reader, data, size, n, err);
}

static bool upload_blob(struct push *push, const struct descriptor *blob, struct error *err)
{
    struct blob_source blob_source = {push, blob->digest, NULL};
    const struct registry_source source = {rewind_blob, read_blob, &blob_source};
    bool exists, ok;

    if (!registry_blob_exists(push->registry, blob, &exists, push->cancel, err))
        return false;
    if (exists) {
        push->result->cached_bytes += (uint64_t)blob->size;
        return true;
    }
    ok = registry_push_blob(push->registry, blob, &source, push->cancel, err);
    content_reader_freep(&blob_source.reader);
    return ok;
}

static bool upload(struct push *push, struct error *err)
{
    PROBE_PHASE(push->result, PHASE_UPLOAD);

    for (size_t i = 0; i < push->request->layers; i++)
        if (!upload_blob(push, &push->layers[i], err))
            return error_wrap(err, "layer %zu", i);
    return upload_blob(push, &push->config, err) &&
           registry_push_manifest(push->registry, reference_object(&push->request->reference),
                                  &push->manifest, &push->manifest_body, push->cancel, err);
}

static bool run(const struct probe_request *request, struct probe_result *result,
                struct cancel *cancel, struct error *err)
{
    const struct registry_options options = {.hosts = request->hosts,
                                             .credentials = request->credentials,
                                             .family = request->family,
                                             .push = true};
    CLEANUP(registry_freep)
    struct registry *registry = registry_new(&request->reference, &options, err);
    struct push push = {
        .request = request,
        .result = result,
        .registry = registry,
        .arena = ARENA_INIT(ARENA_LIMIT_BYTES),
        .config_body = BUF_INIT(MANIFEST_LIMIT_BYTES),
        .manifest_body = BUF_INIT(MANIFEST_LIMIT_BYTES),
        .cancel = cancel,
    };
    int64_t start_ns = clock_now_ns();
    bool ok;

    if (!registry)
        return false;
    ok = check_target(&push, err) && workspace_open(&push.workspace, request, cancel, err) &&
         make_image(&push, err);
    if (ok) {
        start_ns = clock_now_ns();
        note_identity(&push);
        ok = upload(&push, err);
    }
    result->seconds = ns_to_seconds(clock_now_ns() - start_ns);
    result->traffic = *registry_traffic(registry);
    workspace_close(&push.workspace, cancel, result);
    arena_deinit(&push.arena);
    buf_deinit(&push.config_body);
    buf_deinit(&push.manifest_body);
    return ok;
}

const struct probe_engine push_client_engine = {
    .operation = "push",
    .name = "client",
    .abilities = PROBE_PLATFORM | PROBE_OWN_NETWORK,
    .preference = 3,
    .run = run,
};
