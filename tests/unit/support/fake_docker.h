/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Docker engine inside a test: its API over HTTP on a unix socket, with images and volumes in
 * memory. Calls are recorded as "docker/GET /images/json?all=1", without the version of the API.
 *
 * Names are removed as Docker does it: with the last tag of a repository its digests go, and with
 * the last name the image.
 */
#ifndef TESTS_FAKE_DOCKER_H
#define TESTS_FAKE_DOCKER_H

#include "support/call_log.h"
#include "support/fake_image.h"
#include "support/http_server.h"

#define FAKE_DOCKER_NAMES_MAX 8

struct fake_docker_image {
    char id[96];
    char tags[FAKE_DOCKER_NAMES_MAX][256], digests[FAKE_DOCKER_NAMES_MAX][256];
    size_t n_tags, n_digests;
    uint64_t layers[FAKE_IMAGE_LAYERS_MAX]; /* unpacked bytes, lowest first */
    size_t n_layers;
    bool made; /* has the label of a push probe */
};

struct fake_volume {
    char name[128];
    char *labels; /* JSON */
};

struct fake_docker {
    struct http_server http;
    struct call_log *log;

    /* Settings. */
    const char *api_version;        /* "1.41" */
    bool has_no_volumes;            /* answers 501 to each call about them */
    const struct fake_image *image; /* what every name is at the registry; NULL: not found */
    const char *lines;              /* of the stream of a pull or push; NULL: made of `image` */
    const char *failure;            /* ends the stream of a pull or push; NULL: it succeeds */
    const char *pushed_digest;      /* NULL: that of 64 times "a"; "": not told */
    bool load_stores_nothing;
    const char *hang_on; /* a call whose line begins like this hangs until its client goes */

    pthread_mutex_t lock;
    struct fake_docker_image **images;
    size_t n_images;
    struct fake_volume **volumes;
    size_t n_volumes;
};

void fake_docker_start(struct fake_docker *fake, struct call_log *log);
void fake_docker_stop(struct fake_docker *fake);

/* Forgets all state and settings. */
void fake_docker_reset(struct fake_docker *fake);

/* `tag` NULL: an image without a name. The caller may change it before the next call. */
struct fake_docker_image *fake_docker_add(struct fake_docker *fake, const char *id,
                                          const char *tag);
void fake_docker_add_volume(struct fake_docker *fake, const char *name, const char *labels);

/* By a tag, a digest or the id; NULL if there is none. */
struct fake_docker_image *fake_docker_find(struct fake_docker *fake, const char *name);
const struct fake_volume *fake_docker_volume(struct fake_docker *fake, const char *name);

/* The state as sorted lines. */
void fake_docker_dump(struct fake_docker *fake, struct buf *out);

#endif
