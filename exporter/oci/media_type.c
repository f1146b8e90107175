/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/media_type.h"

#include "base/text.h"

#include <string.h>

enum manifest_kind manifest_kind(const char *media_type)
{
    static const struct {
        const char *media_type;
        enum manifest_kind kind;
    } kinds[] = {
        {MEDIA_TYPE_OCI_MANIFEST, MANIFEST_IMAGE},
        {MEDIA_TYPE_DOCKER_MANIFEST, MANIFEST_IMAGE},
        {MEDIA_TYPE_OCI_INDEX, MANIFEST_INDEX},
        {MEDIA_TYPE_DOCKER_LIST, MANIFEST_INDEX},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].media_type, media_type) == 0)
            return kinds[i].kind;
    return MANIFEST_OTHER;
}

bool manifest_is_layer(const char *media_type)
{
    static const char *const layers[] = {
        MEDIA_TYPE_OCI_LAYER,
        MEDIA_TYPE_OCI_LAYER_GZIP,
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
        MEDIA_TYPE_DOCKER_LAYER,
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    };

    for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++)
        if (strcmp(layers[i], media_type) == 0)
            return true;
    return false;
}

bool manifest_may_be_layer(const char *media_type)
{
    return manifest_is_layer(media_type) ||
           text_starts_with(media_type, "application/vnd.oci.image.layer.") ||
           text_starts_with(media_type, "application/vnd.erofs");
}

bool manifest_is_foreign_layer(const char *media_type)
{
    return text_starts_with(media_type, "application/vnd.docker.image.rootfs.foreign.") ||
           text_starts_with(media_type, "application/vnd.oci.image.layer.nondistributable.");
}
