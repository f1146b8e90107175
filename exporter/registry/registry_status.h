/* SPDX-License-Identifier: Apache-2.0 */
/* Maps a failure response of a registry to an error. */
#pragma once

#include "net/http.h"

/* Bytes kept of the body of a failure. */
#define REGISTRY_FAILURE_BYTES ((size_t)16 << 10)

/* Fills *err from the status and the error document in the body. Always returns false. */
bool registry_status_error(const struct http_response *response, struct error *err);
