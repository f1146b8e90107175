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

#include <stdint.h>

#define MANIFEST_LIMIT_BYTES  ((size_t)4 << 20) /* of one document from a registry */
#define MANIFEST_CHILDREN_MAX ((size_t)120000)

#define MEDIA_TYPE_OCI_INDEX       "application/vnd.oci.image.index.v1+json"
#define MEDIA_TYPE_OCI_MANIFEST    "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_TYPE_OCI_CONFIG      "application/vnd.oci.image.config.v1+json"
#define MEDIA_TYPE_OCI_LAYER       "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_TYPE_OCI_LAYER_GZIP  "application/vnd.oci.image.layer.v1.tar+gzip"
#define MEDIA_TYPE_DOCKER_LIST     "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_TYPE_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_TYPE_DOCKER_CONFIG   "application/vnd.docker.container.image.v1+json"
#define MEDIA_TYPE_DOCKER_LAYER    "application/vnd.docker.image.rootfs.diff.tar"

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

enum manifest_kind {
    MANIFEST_OTHER, /* neither */
    MANIFEST_IMAGE,
    MANIFEST_INDEX,
};

enum manifest_kind manifest_kind(const char *media_type);
bool manifest_is_layer(const char *media_type); /* that can be unpacked */

/* Whether the daemon may know how to unpack the layer: also those that are encrypted, and images of
 * EROFS. */
bool manifest_may_be_layer(const char *media_type);

/* Whether the registry need not have the layer: those of Windows have URLs of their own. */
bool manifest_is_foreign_layer(const char *media_type);

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
