/* SPDX-License-Identifier: Apache-2.0 */
/* Maps a failure response of a registry to an error. */
#pragma once

#include "net/http/http.h"

/* Bytes kept of the body of a failure. */
#define REGISTRY_FAILURE_BYTES ((size_t)16 << 10)

/* What the registry was asked for. The same error code means something else for each. */
enum registry_request {
    REGISTRY_READ, /* also a deletion: nothing is sent */
    REGISTRY_WRITE,
    REGISTRY_UPLOAD /* of an upload that the registry has opened before */
};

/* Fills *err from the status and the error document in the body. Always returns false. */
bool registry_status_error(enum registry_request request, const struct http_response *response,
                           struct error *err);

/* Explains a 400 over plain HTTP in which the registry gave no error of its own: a server with TLS
 * answers so, and without words after HEAD. */
void registry_status_suspect_tls(struct error *err);
