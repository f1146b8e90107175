/* SPDX-License-Identifier: Apache-2.0 */
#include "support/fake_image.h"

#include "oci/platform.h"

#include "oci/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_BYTES ((size_t)1 << 20)

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void add(struct fake_image *image, const struct descriptor *descriptor, const char *data)
{
    image->blobs[image->n_blobs++] = (struct fake_blob){descriptor, data};
}

static void describe(struct fake_image *image, struct descriptor *out, const char *media_type,
                     const char *data, size_t size)
{
    char digest[DIGEST_TEXT_BYTES];
    struct error err;

    must(digest_of(data, size, digest, &err));
    *out = (struct descriptor){.media_type = media_type,
                               .digest = arena_strdup(&image->arena, digest),
                               .size = (int64_t)size};
    add(image, out, data);
}

static void make_layer(struct fake_image *image, size_t i, const char *seed)
{
    size_t size = 100 * (i + 1);
    char *data = arena_alloc(&image->arena, size + 64);

    must(data);
    memset(data, 'a' + (int)i, size);
    snprintf(data, 64, "%s %zu", seed, i);
    data[strlen(data)] = ' ';
    data[size] = '\0';
    image->layer_data[i] = data;
    describe(image, &image->layers[i], MEDIA_TYPE_OCI_LAYER, data, size);
}

/* Makes documents look as if another program had written them. */
static void disown(struct buf *body, unsigned flags)
{
    char *at = body->data;

    if (!(flags & FAKE_OURS))
        while ((at = strstr(at, MANIFEST_OURS)))
            *at = 'x';
}

void fake_image_init(struct fake_image *image, const char *seed, size_t n_layers, unsigned flags)
{
    const char *diff_ids[FAKE_IMAGE_LAYERS_MAX];
    struct platform_matcher host;
    struct descriptor entry;

    *image = (struct fake_image){.arena = ARENA_INIT(LIMIT_BYTES),
                                 .n_layers = n_layers,
                                 .config_body = BUF_INIT(LIMIT_BYTES),
                                 .manifest_body = BUF_INIT(LIMIT_BYTES),
                                 .index_body = BUF_INIT(LIMIT_BYTES)};
    platform_matcher_host(&host);
    for (size_t i = 0; i < n_layers; i++) {
        make_layer(image, i, seed);
        diff_ids[i] = image->layers[i].digest;
    }
    image_config_write(&image->config_body, &host.accepted[0], diff_ids, n_layers);
    disown(&image->config_body, flags);
    describe(image, &image->config, MEDIA_TYPE_OCI_CONFIG, image->config_body.data,
             image->config_body.size);
    manifest_write(&image->manifest_body, MEDIA_TYPE_OCI_MANIFEST, &image->config, image->layers,
                   n_layers);
    disown(&image->manifest_body, flags);
    describe(image, &image->manifest, MEDIA_TYPE_OCI_MANIFEST, image->manifest_body.data,
             image->manifest_body.size);
    image->root = image->manifest;
    if (!(flags & FAKE_INDEX))
        return;
    entry = image->manifest;
    entry.has_platform = true;
    entry.platform = host.accepted[0];
    manifest_write_index(&image->index_body, MEDIA_TYPE_OCI_INDEX, &entry, 1);
    disown(&image->index_body, flags);
    describe(image, &image->root, MEDIA_TYPE_OCI_INDEX, image->index_body.data,
             image->index_body.size);
}

void fake_image_deinit(struct fake_image *image)
{
    buf_deinit(&image->config_body);
    buf_deinit(&image->manifest_body);
    buf_deinit(&image->index_body);
    arena_deinit(&image->arena);
}

uint64_t fake_image_bytes(const struct fake_image *image)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < image->n_blobs; i++)
        sum += (uint64_t)image->blobs[i].descriptor->size;
    return sum;
}

uint64_t fake_image_layer_bytes(const struct fake_image *image)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < image->n_layers; i++)
        sum += (uint64_t)image->layers[i].size;
    return sum;
}

void fake_image_chain_id(const struct fake_image *image, size_t n, char out[DIGEST_TEXT_BYTES])
{
    const char *diff_ids[FAKE_IMAGE_LAYERS_MAX];
    struct error err;

    for (size_t i = 0; i < n; i++)
        diff_ids[i] = image->layers[i].digest;
    must(digest_chain_id(diff_ids, n, out, &err));
}
