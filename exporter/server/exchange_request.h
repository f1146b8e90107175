/* SPDX-License-Identifier: Apache-2.0 */
/* What a request asks for. All texts are valid until the exchange was replied to. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define REQUEST_HEADERS_MAX ((size_t)16 << 10) /* with the request line */
#define REQUEST_BODY_MAX    ((size_t)64 << 10) /* the server reads a body and discards it */

#define REQUEST_HEADERS_TOO_LARGE "431 request line and headers too large: the limit is 16 KiB\n"
#define REQUEST_BODY_TOO_LARGE    "413 request body too large: the limit is 64 KiB\n"

struct exchange;

/* "GET", "HEAD", ... */
const char *exchange_method(const struct exchange *exchange);
const char *exchange_path(const struct exchange *exchange); /* decoded, without query */
/* NULL if absent; repeated headers are joined with ", ". */
const char *exchange_header(const struct exchange *exchange, const char *name);
/* The decoded values of a query parameter, which may be repeated. Returns how many there are; fills
 * in the first `max`. */
size_t exchange_query(const struct exchange *exchange, const char *name, const char **values,
                      size_t max);

/* Whether the client is on this machine and no proxy forwarded the request (X-Forwarded-For,
 * Forwarded, Via): compression does not pay then. */
bool exchange_is_local(const struct exchange *exchange);

/* Whether the client has shown a certificate that the handshake has accepted. */
bool exchange_has_certificate(const struct exchange *exchange);

/* For exchange.c, when all headers have come: returns 0, or the status that rejects the request,
 * with the text of the reply in *why. */
unsigned exchange_check(const struct exchange *exchange, const char **why);
