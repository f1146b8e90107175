/* SPDX-License-Identifier: Apache-2.0 */
/* Lists, inspects, tags and removes images of a Docker engine. Results are in the caller's arena.
 */
#pragma once

#include "docker/docker.h"

#include "base/arena.h"
#include "oci/reference.h"

struct docker_names {
    const char **items;
    size_t count;
};

struct docker_image {
    const char *id;
    struct docker_names tags;    /* short names: "busybox:1.31" */
    struct docker_names digests; /* "busybox@sha256:..." */
    uint64_t bytes;              /* as in `docker images`: unpacked; engines with containerd's
                                  * image store count packed or both */
    size_t n_layers;             /* of an inspection */
    bool is_generated;           /* has the label of generated images */
};

struct docker_images {
    struct docker_image *items;
    size_t count;
};

/* The name for requests: "docker.io/library/busybox:1.31". With a digest the tag is left out,
 * because Docker ignores it. */
const char *docker_image_name(const struct reference *reference, struct arena *arena);

/* Read an element of a list or an inspection, and a list. Invalid JSON types: ERROR_PROTOCOL. */
bool docker_image_read(const struct json *node, struct docker_image *image, struct arena *arena,
                       struct error *err) MUST_CHECK;
bool docker_images_read(const struct json *root, struct arena *arena, struct docker_images *images,
                        struct error *err) MUST_CHECK;

/* *has: the engine keeps its images in containerd. Then it counts packed and unpacked bytes of an
 * image together, reports no layers that existed, and gives them no size. An engine that does not
 * say counts as one without. */
bool docker_has_containerd_store(struct docker_client *client, bool *has, struct cancel *cancel,
                                 struct error *err) MUST_CHECK;

/* Lists all images, including those without a name; `all` includes intermediate ones. */
bool docker_images_list(struct docker_client *client, bool all, struct arena *arena,
                        struct docker_images *images, struct cancel *cancel,
                        struct error *err) MUST_CHECK;

/* Returns true with *found false if the daemon has no such image. */
bool docker_image_find(struct docker_client *client, const char *name, struct arena *arena,
                       struct docker_image *image, bool *found, struct cancel *cancel,
                       struct error *err) MUST_CHECK;

/* The unpacked sizes of at most `max` layers, lowest first, without empty layers. An image without
 * history has none. */
bool docker_image_layers(struct docker_client *client, const char *name, uint64_t *bytes,
                         size_t max, size_t *count, struct cancel *cancel,
                         struct error *err) MUST_CHECK;

/* Adds the name and tag of `reference` to an image. Another image with this name loses it. */
bool docker_image_tag(struct docker_client *client, const char *name,
                      const struct reference *reference, struct cancel *cancel,
                      struct error *err) MUST_CHECK;

/* Removes a name, and with the last name the image. Returns true if it does not exist. */
bool docker_image_remove(struct docker_client *client, const char *name, struct cancel *cancel,
                         struct error *err) MUST_CHECK;
