/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/image/generated_image_store.h"

#include "containerd/content_writer.h"

#include <stdio.h>

#define PIECE_BYTES ((size_t)256 << 10)
#define NAME_BYTES  64 /* of a label */

struct store {
    const struct workspace *workspace;
    const struct generated_image *image;
    struct cancel *cancel;
};

static bool write_all(struct content_writer *writer, struct generated_layer *layer,
                      struct error *err)
{
    CLEANUP(freep) char *piece = malloc(PIECE_BYTES);

    if (!piece)
        return error_memory(err);
    for (;;) {
        size_t n;

        generated_layer_read(layer, piece, PIECE_BYTES, &n);
        if (n == 0)
            return true;
        if (!content_writer_write(writer, piece, n, err))
            return false;
    }
}

/* The exporter does not hash the layer: the daemon compares its digest at the commit. */
static bool put_layer(const struct store *store, size_t number, struct error *err)
{
    const struct descriptor *blob = &store->image->layers[number];
    CLEANUP(content_writer_freep) struct content_writer *writer = NULL;
    CLEANUP(generated_layer_close) struct generated_layer layer = {0};
    char ref[WORKSPACE_REF_BYTES];

    if (!generated_layer_open(&layer, store->image, number, err))
        return false;
    workspace_ref(store->workspace, blob->digest, ref);
    writer = content_writer_open(&store->workspace->scope, ref, (uint64_t)blob->size, store->cancel,
                                 err);
    return writer && write_all(writer, &layer, err) &&
           content_writer_commit(writer, blob->digest, &(struct labels){0}, err);
}

static bool put_document(const struct store *store, const struct descriptor *blob,
                         const struct buf *body, const struct labels *labels, struct error *err)
{
    return workspace_put(store->workspace, blob, body, labels, store->cancel, err);
}

static bool put_manifest(const struct store *store, struct error *err)
{
    const struct generated_image *image = store->image;
    char names[GENERATED_LAYERS_MAX][NAME_BYTES];
    struct label items[GENERATED_LAYERS_MAX + 1] = {
        {"containerd.io/gc.ref.content.config", image->config.digest}};
    const struct labels labels = {items, image->n_layers + 1};

    for (size_t i = 0; i < image->n_layers; i++) {
        snprintf(names[i], NAME_BYTES, "containerd.io/gc.ref.content.l.%zu", i);
        items[i + 1] = (struct label){names[i], image->layers[i].digest};
    }
    return put_document(store, &image->manifest, &image->manifest_body, &labels, err);
}

static bool put_index(const struct store *store, struct error *err)
{
    const struct generated_image *image = store->image;
    struct label item = {"containerd.io/gc.ref.content.m.0", image->manifest.digest};

    return image->index_body.size == 0 ||
           put_document(store, &image->root, &image->index_body, &(struct labels){&item, 1}, err);
}

bool generated_image_store(const struct workspace *workspace, const struct generated_image *image,
                           struct cancel *cancel, struct error *err)
{
    const struct store store = {workspace, image, cancel};

    for (size_t i = 0; i < image->n_layers; i++)
        if (!put_layer(&store, i, err))
            return error_wrap(err, "layer %zu", i);
    return put_document(&store, &image->config, &image->config_body, &(struct labels){0}, err) &&
           put_manifest(&store, err) && put_index(&store, err);
}
