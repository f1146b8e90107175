/* SPDX-License-Identifier: Apache-2.0 */
/* For http.c: how an answer is collected. Everybody else reads it by net/http.h. */
#ifndef NET_HTTP_MESSAGE_H
#define NET_HTTP_MESSAGE_H

#include "net/http.h"

#define HTTP_ORIGIN_BYTES ((size_t)300)

void http_response_empty(struct http_response *response);

/* "Name:  value\r\n" is kept as "name: value\n"; a line that is no header is skipped. */
void http_response_add_header(struct http_response *response, const char *line, size_t size);

/* Keeps what fits, after received_bytes was raised; false once too much was dropped. */
bool http_response_add_body(struct http_response *response, const char *data, size_t size);

/* Scheme, host and port of a URL: without user, path and query, which may hold secrets. */
void http_origin(const char *url, char *out, size_t out_size);

#endif
