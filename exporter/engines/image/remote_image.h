/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image as its registry describes it: the root, the manifest of the wanted platform (or all of
 * them), and their configurations. For engines where the exporter itself fetches.
 */
#ifndef ENGINES_IMAGE_REMOTE_IMAGE_H
#define ENGINES_IMAGE_REMOTE_IMAGE_H

#include "engines/engine.h"

#define REMOTE_MANIFESTS_MAX ((size_t)64) /* of an index, where all of them are wanted */

struct remote_manifest {
    struct descriptor descriptor;
    struct buf body; /* empty if it is the root itself */
    struct manifest manifest;
    struct buf config_body;
};

struct remote_image {
    struct arena arena; /* everything that the descriptors point to */
    struct descriptor root;
    struct buf root_body;
    bool has_index; /* the root is one */
    struct remote_manifest *manifests;
    size_t n_manifests;
    struct remote_manifest *chosen;   /* the platform's */
    struct image_config config;       /* of the chosen one */
    const struct descriptor **layers; /* of all manifests, one after the other */
    size_t n_layers;
};

void remote_image_init(struct remote_image *image);
void remote_image_deinit(struct remote_image *image);

const struct buf *remote_manifest_body(const struct remote_image *image,
                                       const struct remote_manifest *manifest);

/* From the reference to the manifests, as PHASE_RESOLVE; tells *result what the image is, before
 * any blob is fetched. ERROR_NOT_FOUND where the index has nothing for the platform. */
bool remote_image_resolve(struct remote_image *image, struct registry *registry,
                          const struct engine_request *request, struct engine_result *result,
                          struct cancel *cancel, struct error *err) MUST_CHECK;

/* Fetches the configurations; that of the chosen manifest is read, too. */
bool remote_image_fetch_configs(struct remote_image *image, struct registry *registry,
                                struct cancel *cancel, struct error *err) MUST_CHECK;

#endif
