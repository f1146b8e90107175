/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image at its registry: the root, the manifest of the platform (or of all platforms), and the
 * configurations. For engines where the exporter itself fetches.
 */
#pragma once

#include "engines/engine.h"

#define REMOTE_MANIFESTS_MAX ((size_t)64) /* of an index, if all platforms are pulled */

struct remote_manifest {
    struct descriptor descriptor;
    struct buf body; /* empty if the manifest is the root */
    struct manifest manifest;
    struct buf config_body;
};

struct remote_image {
    struct arena arena; /* text of the descriptors */
    struct descriptor root;
    struct buf root_body;
    bool has_index; /* the root is an index */
    struct remote_manifest *manifests;
    size_t n_manifests;
    struct remote_manifest *chosen;   /* of the platform */
    struct image_config config;       /* of the chosen manifest */
    const struct descriptor **layers; /* of all manifests, in their order */
    size_t n_layers;
};

void remote_image_init(struct remote_image *image);
void remote_image_deinit(struct remote_image *image);

const struct buf *remote_manifest_body(const struct remote_image *image,
                                       const struct remote_manifest *manifest);

/* Resolves the reference down to the manifests, as PHASE_RESOLVE, and fills digests, media type,
 * host and declared bytes of *result. Returns ERROR_NOT_FOUND if the index has no manifest for the
 * platform. */
bool remote_image_resolve(struct remote_image *image, struct registry *registry,
                          const struct engine_request *request, struct engine_result *result,
                          struct cancel *cancel, struct error *err) MUST_CHECK;

/* Fetches the configurations and parses that of the chosen manifest. */
bool remote_image_fetch_configs(struct remote_image *image, struct registry *registry,
                                struct cancel *cancel, struct error *err) MUST_CHECK;

/* Call it after the fetch of a layer has failed: a foreign layer that the registry does not have is
 * ERROR_UNSUPPORTED. Always returns false. */
bool remote_layer_failed(const struct descriptor *layer, struct error *err);
