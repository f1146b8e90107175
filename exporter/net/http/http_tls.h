/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS of the HTTP client: trusted certificates and the name check of Go's crypto/tls, in place of
 * libcurl's, which accept and reject other certificates. The same for registries, token servers,
 * redirects and proxies. Only http*.c may include it.
 */
#pragma once

#include "net/http/http_curl.h"

/* Loads the certificates if there are files beside http->options.ca_file, so that a broken file
 * fails before any request. `more` may be NULL. */
bool http_tls_check(struct http *http, const char *const *more, struct error *err) MUST_CHECK;
void http_tls_free(struct http *http);

/* Sets the options of the easy handle. A client certificate that cannot be read: ERROR_TLS. */
bool http_tls_prepare(struct http_curl_exchange *exchange, struct error *err) MUST_CHECK;
