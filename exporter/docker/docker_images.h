/* SPDX-License-Identifier: Apache-2.0 */
/* The images of a Docker engine. Results are in the caller's arena. */
#ifndef DOCKER_DOCKER_IMAGES_H
#define DOCKER_DOCKER_IMAGES_H

#include "docker/docker.h"

#include "base/arena.h"
#include "oci/reference.h"

struct docker_names {
    const char **items;
    size_t count;
};

struct docker_image {
    const char *id;
    struct docker_names tags;    /* as the daemon shortens them: "busybox:1.31" */
    struct docker_names digests; /* "busybox@sha256:..." */
    uint64_t bytes;              /* as `docker images` shows: unpacked, but packed or both in
                                  * engines that keep images in containerd's store */
    bool is_made;                /* by a probe, as its configuration says */
};

struct docker_images {
    struct docker_image *items;
    size_t count;
};

/* What the daemon is asked for an image by: "docker.io/library/busybox:1.31", and by the digest
 * alone where there is one, since Docker drops the tag beside it. */
const char *docker_image_name(const struct reference *reference, struct arena *arena);

/* All of them, those without a name and those below others (`all`) too. */
bool docker_images_list(struct docker_client *client, bool all, struct arena *arena,
                        struct docker_images *images, struct cancel *cancel,
                        struct error *err) MUST_CHECK;

/* *found is false where the daemon has no such image. */
bool docker_image_find(struct docker_client *client, const char *name, struct arena *arena,
                       struct docker_image *image, bool *found, struct cancel *cancel,
                       struct error *err) MUST_CHECK;

/* What each layer of an image takes unpacked, lowest first; layers that take nothing are left out,
 * and an image without a history has none. At most `max`. */
bool docker_image_layers(struct docker_client *client, const char *name, uint64_t *bytes,
                         size_t max, size_t *count, struct cancel *cancel,
                         struct error *err) MUST_CHECK;

/* Gives an image one more name, `reference` by its tag; another image that has it loses it. */
bool docker_image_tag(struct docker_client *client, const char *name,
                      const struct reference *reference, struct cancel *cancel,
                      struct error *err) MUST_CHECK;

/* Takes the name away, and with the last one the image; one that is not there is fine. */
bool docker_image_remove(struct docker_client *client, const char *name, struct cancel *cancel,
                         struct error *err) MUST_CHECK;

#endif
