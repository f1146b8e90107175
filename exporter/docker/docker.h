/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Docker engine behind one unix socket: who it is, and what it can be told to do.
 *
 * A daemon that cannot be reached is ERROR_RUNTIME_UNAVAILABLE with a message that says why.
 * Other failures are in Docker's own words; err->status is the HTTP status, so that "no such
 * image" can be told apart.
 */
#ifndef DOCKER_DOCKER_H
#define DOCKER_DOCKER_H

#include "base/cancel.h"
#include "base/named_lock.h"
#include "docker/docker_stream.h"
#include "net/http.h"

struct docker; /* knows the socket only; any thread may use it */

/* "/var/run/docker.sock", also as unix:///var/run/docker.sock. No I/O. */
struct docker *docker_new(const char *address, struct error *err);
void docker_free(struct docker *docker);
DEFINE_CLEANUP(struct docker *, docker_free)

const char *docker_address(const struct docker *docker);

/* For those who would take each other's images away: the engine has no namespaces. */
struct named_locks *docker_locks(struct docker *docker);

struct docker_client; /* a connection to it; belongs to one thread */

/* Agrees with the daemon on a version of the API; ERROR_UNSUPPORTED if there is none. */
struct docker_client *docker_connect(const struct docker *docker, struct cancel *cancel,
                                     struct error *err);
void docker_client_free(struct docker_client *client);
DEFINE_CLEANUP(struct docker_client *, docker_client_free)

const char *docker_version(const struct docker_client *client); /* "20.10.24" */
unsigned docker_api_minor(const struct docker_client *client);  /* of the API 1.N that we speak */

/* One call; `path` begins after the version: "/images/json". `body` is JSON, or NULL. True if the
 * answer's status is 2xx; another is in *err. An answer that is longer than response->body takes is
 * ERROR_LIMIT. */
bool docker_call(struct docker_client *client, const char *method, const char *path,
                 const struct buf *body, struct http_response *response, struct cancel *cancel,
                 struct error *err) MUST_CHECK;

struct docker_stream_request {
    const char *path;    /* of the POST, as above */
    const char *header;  /* NULL: none of its own */
    http_source *source; /* NULL: no body */
    void *source_arg;
    uint64_t body_bytes;
};

/* A call that is answered while it works; blocks until it is through. What is told on the way is in
 * *stream, also after a failure. One that is canceled makes the daemon give up, too. */
bool docker_stream_call(struct docker_client *client, const struct docker_stream_request *wanted,
                        struct docker_stream *stream, struct cancel *cancel,
                        struct error *err) MUST_CHECK;

#endif
