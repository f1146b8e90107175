/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of the Docker Engine API on a unix socket.
 *
 * A daemon that cannot be reached: ERROR_RUNTIME_UNAVAILABLE or ERROR_RUNTIME_FORBIDDEN, with the
 * cause. Other failures contain
 * the message of the daemon; err->status is the HTTP status.
 */
#pragma once

#include "base/cancel.h"
#include "base/named_lock.h"
#include "docker/docker_stream.h"
#include "encoding/json.h"
#include "net/http/http.h"

struct docker; /* the socket and its locks; any thread may use it */

/* `address` as socket_path_parse() reads it: "unix:///var/run/docker.sock". No I/O. */
struct docker *docker_new(const char *address, struct error *err);
void docker_free(struct docker *docker);
DEFINE_CLEANUP(struct docker *, docker_free)

const char *docker_address(const struct docker *docker);

/* Locks for probes that use the same image: Docker has no namespaces to separate them. */
struct named_locks *docker_locks(struct docker *docker);

struct docker_client; /* a connection; belongs to one thread */

/* Connects and negotiates the API version; ERROR_UNSUPPORTED if there is no common one. */
struct docker_client *docker_connect(const struct docker *docker, struct cancel *cancel,
                                     struct error *err);
void docker_client_free(struct docker_client *client);
DEFINE_CLEANUP(struct docker_client *, docker_client_free)

const char *docker_version(const struct docker_client *client); /* "20.10.24" */
unsigned docker_api_minor(const struct docker_client *client);  /* N of the negotiated API 1.N */

/* Sends one request. `path` follows the version: "/images/json". `body` is JSON, or NULL. Any
 * status but 2xx is an error. A response longer than the limit of response->body: ERROR_LIMIT. */
bool docker_call(struct docker_client *client, const char *method, const char *path,
                 const struct buf *body, struct http_response *response, struct cancel *cancel,
                 struct error *err) MUST_CHECK;

/* GET with a JSON response of at most `limit_bytes`. NULL with *err. */
struct json_document *docker_get(struct docker_client *client, const char *path, size_t limit_bytes,
                                 struct cancel *cancel, struct error *err);

/* DELETE. Returns true if the object does not exist. */
bool docker_delete(struct docker_client *client, const char *path, struct cancel *cancel,
                   struct error *err) MUST_CHECK;

struct docker_stream_request {
    const char *path;    /* of the POST, as in docker_call() */
    const char *header;  /* may be NULL */
    http_source *source; /* NULL: no body */
    void *source_arg;
    uint64_t body_bytes;
};

/* POST with a response that reports progress; blocks until it ends. *stream holds what the daemon
 * reported, also after a failure. The daemon aborts the operation if the call is canceled. */
bool docker_stream_call(struct docker_client *client, const struct docker_stream_request *wanted,
                        struct docker_stream *stream, struct cancel *cancel,
                        struct error *err) MUST_CHECK;
