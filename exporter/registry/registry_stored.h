/* SPDX-License-Identifier: Apache-2.0 */
/* Checks that a registry has stored what was sent. Only registry*.c may include it. */
#pragma once

#include "oci/digest.h"
#include "registry/registry_call.h"

/* What was sent. */
struct registry_content {
    const char *digest;
    const struct registry_source *source; /* of all of it */
};

/* Checks the status and Docker-Content-Digest, if the response has one, of a completed upload. The
 * registry may use another algorithm than the exporter: then `source` is read again. Fails with
 * ERROR_DIGEST_MISMATCH; with ERROR_UNSUPPORTED if the algorithm is unknown, and ERROR_PROTOCOL if
 * the header is no digest. */
bool registry_check_stored(const struct registry_call *call, const struct http_response *response,
                           const struct registry_content *content, struct cancel *cancel,
                           struct error *err) MUST_CHECK;

/* Copies Docker-Content-Digest; "" if it is absent or empty. Fails like registry_check_stored(). */
bool registry_announced_digest(const struct http_response *response, char digest[DIGEST_TEXT_BYTES],
                               struct error *err) MUST_CHECK;
