/* SPDX-License-Identifier: Apache-2.0 */
/* For registry.c and registry_push.c alone: one question to the registry, as often as its 401
 * makes it necessary. */
#ifndef CLIENT_REGISTRY_CALL_H
#define CLIENT_REGISTRY_CALL_H

#include "client/registry.h"
#include "client/registry_auth.h"

#define REGISTRY_URL_BYTES    ((size_t)16 << 10)
#define REGISTRY_OBJECT_BYTES ((size_t)200)

struct registry {
    struct http *http;
    struct registry_auth auth;
    struct registry_traffic traffic;
    char *base; /* "https://registry.example:5000/v2/library/busybox" */
};

struct registry_call {
    const char *method;
    const char *url;       /* if NULL: base + path */
    const char *path;      /* "/manifests/latest" */
    const char *header;    /* one more; NULL for none */
    bool without_identity; /* never tell this host who we are */
    bool follow_redirects;
    http_sink *sink;
    void *sink_arg;
    const struct registry_source *source; /* NULL: no body */
    uint64_t body_bytes;
};

/* Any answer but 401 is a success here. */
bool registry_call(struct registry *registry, const struct registry_call *call,
                   struct http_response *response, struct cancel *cancel,
                   struct error *err) MUST_CHECK;

/* For an answer that is no success: fills *err, saying what was asked. False, always. */
bool registry_refused(const struct registry_call *call, const struct http_response *response,
                      struct error *err);

/* What becomes part of a URL must have nothing in it that a URL would read as its own. */
bool registry_check_object(const char *object, struct error *err) MUST_CHECK;

#endif
