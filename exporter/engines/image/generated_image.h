/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image that a push probe generates: layers of new random bytes, a configuration, a manifest,
 * and an index if asked for.
 *
 * The bytes follow from a seed, so nothing is stored: the layers are generated once to be hashed,
 * before the clock starts, and again whenever they are sent. Layers are plain tars: no compression
 * makes them smaller, and the digest of a layer is its diff id.
 */
#pragma once

#include "engines/engine.h"
#include "engines/image/random_layer.h"
#include "oci/keystream.h"

#define GENERATED_LAYERS_MAX 64

struct generated_image {
    struct arena arena;
    uint64_t seed;       /* of the run; generates the same bytes again */
    uint64_t file_bytes; /* in each layer */
    struct descriptor layers[GENERATED_LAYERS_MAX];
    size_t n_layers;
    struct descriptor config, manifest, root;          /* root: the index, or the manifest */
    struct buf config_body, manifest_body, index_body; /* index_body is empty without an index */
};

/* Chooses a seed, hashes the layers and writes the documents. */
bool generated_image_init(struct generated_image *image, const struct push_content *content,
                          const struct platform *platform, struct cancel *cancel,
                          struct error *err) MUST_CHECK;
void generated_image_deinit(struct generated_image *image);

/* Reads the bytes of one layer from the beginning, at most `size` at a time; *n = 0 is the end.
 * Any number of layers may be read at the same time. The caller must call generated_layer_close().
 */
struct generated_layer {
    const struct generated_image *image;
    size_t number;
    struct keystream *keystream;
    uint64_t at;
};

bool generated_layer_open(struct generated_layer *layer, const struct generated_image *image,
                          size_t number, struct error *err) MUST_CHECK;
void generated_layer_close(struct generated_layer *layer);
void generated_layer_read(struct generated_layer *layer, void *data, size_t size, size_t *n);

/* Fills seed, digests, media type and declared bytes of *result. */
void generated_image_report(const struct generated_image *image, struct engine_result *result);
