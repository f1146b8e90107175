/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generated image in the archive format of `docker save`: a tar of manifest, configuration and
 * layers. The archive is generated while it is read; its size is known before.
 */
#pragma once

#include "engines/image/generated_image.h"

struct docker_archive { /* private */
    const struct generated_image *image;
    struct buf manifest;
    struct generated_layer layer;
    size_t member; /* the next member to read: manifest, configuration, layers, the end */
    uint64_t at;   /* position in the member, including its header */
};

/* `name`: of the image after the load. Image and archive must stay at their addresses. */
bool docker_archive_init(struct docker_archive *archive, const struct generated_image *image,
                         const char *name, struct error *err) MUST_CHECK;
void docker_archive_deinit(struct docker_archive *archive);

uint64_t docker_archive_bytes(const struct docker_archive *archive);

/* Whether the archive was read to its end. */
bool docker_archive_ended(const struct docker_archive *archive);

/* An http_source; `arg` is the archive. */
bool docker_archive_read(void *arg, void *data, size_t size, size_t *n,
                         struct error *err) MUST_CHECK;
