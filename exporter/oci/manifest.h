/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes manifests, indexes and image configurations.
 *
 * The rules for reading are containerd's, so that "complete" means the same as in
 * `ctr images check`: keys match without case, a document with `fsLayers` is
 * schema 1 (ERROR_UNSUPPORTED), a manifest that looks like an index (or the reverse) is an error.
 * The strings of a result belong to the caller's arena. Input causes no recursion.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "oci/media_type.h"

#include <stdint.h>

#define MANIFEST_LIMIT_BYTES  ((size_t)4 << 20) /* of one document from a registry */
#define MANIFEST_CHILDREN_MAX ((size_t)120000)

struct platform {
    const char *os, *architecture, *variant; /* "" where absent */
    bool has_features;                       /* requires "os.features" */
};

struct descriptor {
    const char *media_type, *digest; /* "" where absent */
    int64_t size;
    bool has_platform;
    struct platform platform;
    /* The embedded blob; NULL if there is none or if size or digest do not match. */
    const char *data;
};

struct manifest {
    enum manifest_kind kind;
    const char *media_type;
    struct descriptor config;    /* of an image */
    struct descriptor *children; /* layers of an image, entries of an index */
    size_t n_children;
};

/* `media_type` is that of the descriptor or the Content-Type. ERROR_PROTOCOL for an invalid
 * document, ERROR_LIMIT for more than MANIFEST_CHILDREN_MAX children. */
bool manifest_read(struct manifest *manifest, const char *media_type, const void *data, size_t size,
                   struct arena *arena, struct error *err) MUST_CHECK;

/* Like manifest_read(), but rejects negative sizes, which containerd accepts when it checks. */
bool manifest_parse(struct manifest *manifest, const char *media_type, const void *data,
                    size_t size, struct arena *arena, struct error *err) MUST_CHECK;

/* Whether manifest_write() or manifest_write_index() wrote it. */
bool manifest_is_ours(const void *data, size_t size);

struct image_config {
    struct platform platform; /* as written */
    const char **diff_ids;
    size_t n_diff_ids;
};

bool image_config_parse(struct image_config *config, const void *data, size_t size,
                        struct arena *arena, struct error *err) MUST_CHECK;

/* Whether image_config_write() wrote it. */
bool image_config_is_ours(const void *data, size_t size);

/* These write generated images, with media types of OCI or Docker. An annotation marks manifests
 * and indexes, a label marks configs. */
#define MANIFEST_OURS "com.github.containerd-exporter.probe"
void manifest_write(struct buf *out, const char *media_type, const struct descriptor *config,
                    const struct descriptor *layers, size_t n_layers);
void manifest_write_index(struct buf *out, const char *media_type,
                          const struct descriptor *manifests, size_t n_manifests);
void image_config_write(struct buf *out, const struct platform *platform,
                        const char *const *diff_ids, size_t n_diff_ids);
