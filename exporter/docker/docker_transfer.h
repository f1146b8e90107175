/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pulls, pushes and loads images with a Docker engine.
 *
 * All functions block until the operation ends. *stream holds what the daemon reported, also after
 * a failure. The daemon aborts the operation if the call is canceled.
 */
#pragma once

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
    const struct reference *reference; /* by tag; Docker must have it */
    const struct platform *platform;   /* only this manifest of an index, if the daemon supports
                                        * that; NULL: all */
    const struct credentials *credentials;
};

bool docker_push(struct docker_client *client, const struct docker_push *push,
                 struct docker_stream *stream, struct cancel *cancel, struct error *err) MUST_CHECK;

/* Loads an archive in the format of `docker save`. */
bool docker_load(struct docker_client *client, http_source *source, void *source_arg,
                 uint64_t archive_bytes, struct docker_stream *stream, struct cancel *cancel,
                 struct error *err) MUST_CHECK;
