/* SPDX-License-Identifier: Apache-2.0 */
/* The reason of a reply that is not a success. */
#ifndef REGISTRY_REGISTRY_STATUS_H
#define REGISTRY_REGISTRY_STATUS_H

#include "net/http.h"

/* Of the body of a failure: more than this is not looked at. */
#define REGISTRY_FAILURE_BYTES ((size_t)16 << 10)

/* Fills *err from the status and from the registry's own words in the body. False, always. */
bool registry_status_error(const struct http_response *response, struct error *err);

#endif
