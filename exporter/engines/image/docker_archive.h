/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image that was made, as the archive that `docker save` would write of it: a tar of manifest,
 * configuration and layers. It is made while it is read, and its size is known before.
 */
#ifndef ENGINES_IMAGE_DOCKER_ARCHIVE_H
#define ENGINES_IMAGE_DOCKER_ARCHIVE_H

#include "engines/image/generated_image.h"

struct docker_archive { /* all of it is private */
    const struct generated_image *image;
    struct buf manifest;
    struct generated_layer layer;
    size_t member; /* the next to be read from: manifest, configuration, layers, the end */
    uint64_t at;   /* in the member, from its header */
};

/* `name`: which the image is to have. Image and archive stay where they are. */
bool docker_archive_init(struct docker_archive *archive, const struct generated_image *image,
                         const char *name, struct error *err) MUST_CHECK;
void docker_archive_deinit(struct docker_archive *archive);

uint64_t docker_archive_bytes(const struct docker_archive *archive);

/* Whether all of it was read. */
bool docker_archive_ended(const struct docker_archive *archive);

/* An http_source; `arg` is the archive. */
bool docker_archive_read(void *arg, void *data, size_t size, size_t *n,
                         struct error *err) MUST_CHECK;

#endif
