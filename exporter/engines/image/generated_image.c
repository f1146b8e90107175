/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/image/generated_image.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARENA_LIMIT_BYTES ((size_t)1 << 20)
#define PIECE_BYTES       ((size_t)256 << 10)
#define THREADS_MAX       ((size_t)16)

/* The media types of one format. */
struct media_types {
    const char *layer, *config, *manifest, *index;
};

static const struct media_types oci_types = {
    .layer = MEDIA_TYPE_OCI_LAYER,
    .config = MEDIA_TYPE_OCI_CONFIG,
    .manifest = MEDIA_TYPE_OCI_MANIFEST,
    .index = MEDIA_TYPE_OCI_INDEX,
};

static const struct media_types docker_types = {
    .layer = MEDIA_TYPE_DOCKER_LAYER,
    .config = MEDIA_TYPE_DOCKER_CONFIG,
    .manifest = MEDIA_TYPE_DOCKER_MANIFEST,
    .index = MEDIA_TYPE_DOCKER_LIST,
};

/* State of the threads that hash layers; each takes the next layer. */
struct hashing {
    struct generated_image *image;
    struct cancel *cancel;
    pthread_mutex_t lock; /* protects what follows */
    size_t next;
    char digests[GENERATED_LAYERS_MAX][DIGEST_TEXT_BYTES];
    bool failed;
    struct error failure;
};

static bool hash_layer(struct hashing *hashing, size_t number, void *piece, struct digest *digest,
                       struct error *err)
{
    CLEANUP(generated_layer_close) struct generated_layer layer = {0};
    size_t n;

    if (!generated_layer_open(&layer, hashing->image, number, err))
        return false;
    for (;;) {
        if (!cancel_check(hashing->cancel, err))
            return false;
        generated_layer_read(&layer, piece, PIECE_BYTES, &n);
        if (n == 0)
            break;
        digest_update(digest, piece, n);
    }
    digest_finish(digest, hashing->digests[number]);
    return true;
}

static bool take_layer(struct hashing *hashing, size_t *number)
{
    LOCK_SCOPE(&hashing->lock);

    *number = hashing->next;
    if (hashing->failed || *number == hashing->image->n_layers)
        return false;
    hashing->next++;
    return true;
}

static bool hash_some(struct hashing *hashing, struct error *err)
{
    CLEANUP(digest_freep) struct digest *digest = digest_new(DIGEST_CANONICAL, err);
    CLEANUP(freep) void *piece = malloc(PIECE_BYTES);
    size_t number;

    if (!digest)
        return false;
    if (!piece)
        return error_memory(err);
    while (take_layer(hashing, &number))
        if (!hash_layer(hashing, number, piece, digest, err))
            return error_wrap(err, "generate layer %zu", number);
    return true;
}

static void *hash_layers(void *arg)
{
    struct hashing *hashing = arg;
    struct error err;

    if (!hash_some(hashing, &err)) {
        LOCK_SCOPE(&hashing->lock);

        if (!hashing->failed)
            hashing->failure = err;
        hashing->failed = true;
    }
    return NULL;
}

/* If a helper thread cannot be started, the hashing only takes longer. */
static void hash_in_parallel(struct hashing *hashing)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    pthread_t helpers[THREADS_MAX];
    size_t n = 0, most = processors > 1 ? (size_t)processors : 1;

    if (most > hashing->image->n_layers)
        most = hashing->image->n_layers;
    if (most > THREADS_MAX)
        most = THREADS_MAX;
    while (n + 1 < most && pthread_create(&helpers[n], NULL, hash_layers, hashing) == 0)
        n++;
    hash_layers(hashing);
    while (n > 0)
        pthread_join(helpers[--n], NULL);
}

static bool make_layers(struct generated_image *image, const struct media_types *types,
                        struct cancel *cancel, struct error *err)
{
    struct hashing hashing = {.image = image, .cancel = cancel, .lock = PTHREAD_MUTEX_INITIALIZER};

    hash_in_parallel(&hashing);
    if (hashing.failed) {
        *err = hashing.failure;
        return false;
    }
    for (size_t i = 0; i < image->n_layers; i++)
        image->layers[i] = (struct descriptor){
            .media_type = types->layer,
            .digest = arena_strdup(&image->arena, hashing.digests[i]),
            .size = (int64_t)random_layer_tar_bytes(image->file_bytes),
        };
    return arena_ok(&image->arena, err);
}

static bool describe(struct generated_image *image, const char *media_type, const struct buf *body,
                     struct descriptor *out, struct error *err)
{
    char digest[DIGEST_TEXT_BYTES];

    if (!buf_ok(body, err) || !digest_of(body->data, body->size, digest, err))
        return false;
    *out = (struct descriptor){
        .media_type = media_type,
        .digest = arena_strdup(&image->arena, digest),
        .size = (int64_t)body->size,
    };
    return arena_ok(&image->arena, err);
}

static bool make_index(struct generated_image *image, const struct media_types *types,
                       const struct platform *platform, struct error *err)
{
    struct descriptor entry = image->manifest;

    entry.has_platform = true;
    entry.platform = *platform;
    manifest_write_index(&image->index_body, types->index, &entry, 1);
    return describe(image, types->index, &image->index_body, &image->root, err);
}

static bool make_documents(struct generated_image *image, const struct media_types *types,
                           const struct platform *platform, bool index, struct error *err)
{
    const char *diff_ids[GENERATED_LAYERS_MAX];

    for (size_t i = 0; i < image->n_layers; i++)
        diff_ids[i] = image->layers[i].digest; /* not compressed, so the digest is the diff id */
    image_config_write(&image->config_body, platform, diff_ids, image->n_layers);
    if (!describe(image, types->config, &image->config_body, &image->config, err))
        return false;
    manifest_write(&image->manifest_body, types->manifest, &image->config, image->layers,
                   image->n_layers);
    if (!describe(image, types->manifest, &image->manifest_body, &image->manifest, err))
        return false;
    image->root = image->manifest;
    return !index || make_index(image, types, platform, err);
}

bool generated_image_init(struct generated_image *image, const struct push_content *content,
                          const struct platform *platform, struct cancel *cancel, struct error *err)
{
    const struct media_types *types = content->docker_types ? &docker_types : &oci_types;

    *image = (struct generated_image){
        .arena = ARENA_INIT(ARENA_LIMIT_BYTES),
        .file_bytes = content->layer_bytes,
        .n_layers = (size_t)content->layers,
        .config_body = BUF_INIT(MANIFEST_LIMIT_BYTES),
        .manifest_body = BUF_INIT(MANIFEST_LIMIT_BYTES),
        .index_body = BUF_INIT(MANIFEST_LIMIT_BYTES),
    };
    if (content->layers > GENERATED_LAYERS_MAX)
        return error_set(err, ERROR_INVALID, "%llu layers: at most %d are supported",
                         (unsigned long long)content->layers, GENERATED_LAYERS_MAX);
    return random_layer_seed(&image->seed, err) && make_layers(image, types, cancel, err) &&
           make_documents(image, types, platform, content->index, err);
}

void generated_image_deinit(struct generated_image *image)
{
    arena_deinit(&image->arena);
    buf_deinit(&image->config_body);
    buf_deinit(&image->manifest_body);
    buf_deinit(&image->index_body);
}

bool generated_layer_open(struct generated_layer *layer, const struct generated_image *image,
                          size_t number, struct error *err)
{
    if (number >= image->n_layers)
        return error_set(err, ERROR_INTERNAL, "there is no layer %zu", number);
    *layer = (struct generated_layer){
        .image = image,
        .number = number,
        .keystream = keystream_new(image->seed, number, err),
    };
    return layer->keystream;
}

void generated_layer_close(struct generated_layer *layer)
{
    keystream_freep(&layer->keystream);
    layer->keystream = NULL;
}

/* Reads from one part of the tar: header, file or padding. */
static size_t read_part(struct generated_layer *layer, unsigned char *data, size_t size)
{
    uint64_t file_end = RANDOM_LAYER_HEADER_BYTES + layer->image->file_bytes;
    uint64_t end = layer->at < RANDOM_LAYER_HEADER_BYTES ? RANDOM_LAYER_HEADER_BYTES
                   : layer->at < file_end                ? file_end
                                          : random_layer_tar_bytes(layer->image->file_bytes);
    size_t n = end - layer->at < size ? (size_t)(end - layer->at) : size;

    if (layer->at < RANDOM_LAYER_HEADER_BYTES) {
        unsigned char header[RANDOM_LAYER_HEADER_BYTES];
        char name[32];

        snprintf(name, sizeof(name), "layer-%zu", layer->number);
        random_layer_tar_header(header, name, layer->image->file_bytes);
        memcpy(data, header + layer->at, n);
    } else if (layer->at < file_end) {
        keystream_fill(layer->keystream, data, n);
    } else {
        memset(data, 0, n);
    }
    layer->at += n;
    return n;
}

void generated_layer_read(struct generated_layer *layer, void *data, size_t size, size_t *n)
{
    size_t part;

    *n = 0;
    do
        *n += part = read_part(layer, (unsigned char *)data + *n, size - *n);
    while (part > 0);
}

void generated_image_report(const struct generated_image *image, struct engine_result *result)
{
    engine_report_root(&image->root, result);
    engine_report_manifest(image->manifest.digest, result);
    result->seed = image->seed;
    result->declared_bytes =
        image->index_body.size + (uint64_t)image->manifest.size + (uint64_t)image->config.size;
    for (size_t i = 0; i < image->n_layers; i++)
        result->declared_bytes += (uint64_t)image->layers[i].size;
}
