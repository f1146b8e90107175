/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a request is one that we want to read to its end. */
#ifndef SERVER_REQUEST_CHECK_H
#define SERVER_REQUEST_CHECK_H

#include "server/server.h"

#define REQUEST_HEADERS_MAX ((size_t)16 << 10) /* with the first line */
#define REQUEST_BODY_MAX    ((size_t)64 << 10) /* it is read, and thrown away */

/* 0, or the status to refuse it with and why: of its headers, which are all there. */
unsigned request_check(const struct exchange *exchange, size_t header_bytes, bool uri_ok,
                       const char **why);

#endif
