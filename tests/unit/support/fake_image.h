/* SPDX-License-Identifier: Apache-2.0 */
/* A small image for the platform of this machine, whose blobs fake servers hold. */
#ifndef TESTS_FAKE_IMAGE_H
#define TESTS_FAKE_IMAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "oci/digest.h"
#include "oci/manifest.h"

#define FAKE_IMAGE_LAYERS_MAX 8

struct fake_blob {
    const struct descriptor *descriptor;
    const char *data;
};

struct fake_image {
    struct arena arena;
    struct descriptor layers[FAKE_IMAGE_LAYERS_MAX];
    char *layer_data[FAKE_IMAGE_LAYERS_MAX];
    size_t n_layers;
    struct descriptor config, manifest, root; /* root: the index, or the manifest */
    struct buf config_body, manifest_body, index_body;
    struct fake_blob blobs[FAKE_IMAGE_LAYERS_MAX + 3]; /* layers, config, manifest, index */
    size_t n_blobs;
};

enum {
    FAKE_INDEX = 1, /* an index of one entry above the manifest */
    FAKE_OURS = 2,  /* looks as if a push probe had made it */
};

/* Layer i has 100 * (i + 1) bytes that follow from `seed`. Layers are not compressed: their digests
 * are their diff ids. Aborts on failure. */
void fake_image_init(struct fake_image *image, const char *seed, size_t n_layers, unsigned flags);
void fake_image_deinit(struct fake_image *image);

/* The sum of all blobs, or of the layers alone. */
uint64_t fake_image_bytes(const struct fake_image *image);
uint64_t fake_image_layer_bytes(const struct fake_image *image);

/* The chain id of the lowest `n` layers. */
void fake_image_chain_id(const struct fake_image *image, size_t n, char out[DIGEST_TEXT_BYTES]);

#endif
