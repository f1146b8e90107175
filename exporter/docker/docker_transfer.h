/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images into a Docker engine, and out of it to registries.
 *
 * All three block until it is done, and tell what happens on the way in *stream, also after a
 * failure. An exchange that is canceled makes the daemon give up, too.
 */
#ifndef DOCKER_DOCKER_TRANSFER_H
#define DOCKER_DOCKER_TRANSFER_H

#include "credentials/credentials.h"
#include "docker/docker.h"
#include "oci/manifest.h"
#include "oci/reference.h"

struct docker_pull {
    const struct reference *reference;
    const char *platform; /* "linux/arm64"; NULL: the daemon's own */
    const struct credentials *credentials;
};

bool docker_pull(struct docker_client *client, const struct docker_pull *pull,
                 struct docker_stream *stream, struct cancel *cancel, struct error *err) MUST_CHECK;

struct docker_push {
    const struct reference *reference; /* by its tag, which Docker holds */
    const struct platform *platform;   /* of an index this alone, where the daemon can choose; NULL:
                                        * what there is */
    const struct credentials *credentials;
};

bool docker_push(struct docker_client *client, const struct docker_push *push,
                 struct docker_stream *stream, struct cancel *cancel, struct error *err) MUST_CHECK;

/* An archive of images, as `docker save` writes them. */
bool docker_load(struct docker_client *client, http_source *source, void *source_arg,
                 uint64_t archive_bytes, struct docker_stream *stream, struct cancel *cancel,
                 struct error *err) MUST_CHECK;

#endif
