/* SPDX-License-Identifier: Apache-2.0 */
/* Media types of manifests and layers. */
#pragma once

#include <stdbool.h>

#define MEDIA_TYPE_OCI_INDEX       "application/vnd.oci.image.index.v1+json"
#define MEDIA_TYPE_OCI_MANIFEST    "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_TYPE_OCI_CONFIG      "application/vnd.oci.image.config.v1+json"
#define MEDIA_TYPE_OCI_LAYER       "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_TYPE_OCI_LAYER_GZIP  "application/vnd.oci.image.layer.v1.tar+gzip"
#define MEDIA_TYPE_DOCKER_LIST     "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_TYPE_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_TYPE_DOCKER_CONFIG   "application/vnd.docker.container.image.v1+json"
#define MEDIA_TYPE_DOCKER_LAYER    "application/vnd.docker.image.rootfs.diff.tar"

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
