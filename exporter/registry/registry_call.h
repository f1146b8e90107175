/* SPDX-License-Identifier: Apache-2.0 */
/* One request to one host of a registry, with authentication. Only registry*.c may include it. */
#pragma once

#include "oci/digest.h"
#include "registry/registry_private.h"
#include "registry/registry_push.h"
#include "registry/registry_status.h"

#define REGISTRY_OBJECT_BYTES ((size_t)200)
#define REGISTRY_PATH_BYTES   (REGISTRY_OBJECT_BYTES + 32)
#define REGISTRY_DELETE_SCOPE "repository:%s:pull,push,delete"

struct registry_call {
    struct registry_mirror *mirror;
    const char *method;
    const char *url;                  /* NULL: the mirror's base + path */
    const char *path;                 /* "/manifests/latest" */
    const char *header, *more_header; /* may be NULL */
    const char *scope;                /* of the token; NULL: the registry's own */
    bool without_identity;            /* send no credentials to this host */
    http_sink *sink;
    void *sink_arg;
    const struct registry_source *source; /* NULL: no body */
    uint64_t body_bytes;
};

/* Declares a response that is freed at the end of the block. Its body may be a failure. */
#define REGISTRY_RESPONSE(name)   \
    CLEANUP(http_response_deinit) \
    struct http_response name = HTTP_RESPONSE_INIT(REGISTRY_FAILURE_BYTES)

/* Returns true for any status but 401. */
bool registry_call(struct registry *registry, const struct registry_call *call,
                   struct http_response *response, struct cancel *cancel,
                   struct error *err) MUST_CHECK;

/* Fills *err from a response that is no success. Always returns false. */
bool registry_refused(const struct registry_call *call, const struct http_response *response,
                      struct error *err);

/* A tag or digest must contain no character that a URL would interpret. */
bool registry_check_object(const char *object, struct error *err) MUST_CHECK;

/* Fails with ERROR_DIGEST_MISMATCH. An expected digest of another algorithm cannot be compared: the
 * check passes. */
bool registry_check_digest(const char *promised, const char *actual, struct error *err) MUST_CHECK;

/* The host served the manifest: its times are the ones in the traffic. */
void registry_note_served(struct registry *registry, struct registry_mirror *mirror);

/* Reads Docker-Content-Digest of `object`, a tag or digest; "" if it is absent or of an unknown
 * algorithm. Fails with ERROR_DIGEST_MISMATCH if it is not the requested one. */
bool registry_announced_digest(const struct http_response *response, const char *object,
                               char digest[DIGEST_TEXT_BYTES], struct error *err) MUST_CHECK;

/* Copies Docker-Content-Digest; "" if it is absent or empty. Fails with ERROR_UNSUPPORTED if the
 * algorithm is unknown, and with ERROR_PROTOCOL if it is no digest. */
bool registry_digest_header(const struct http_response *response,
                            char digest[REGISTRY_OBJECT_BYTES], struct error *err) MUST_CHECK;
