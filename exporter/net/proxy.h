/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chooses the proxy of a URL from the environment like Go programs, so that the exporter and
 * containerd with equal variables use the same proxy. libcurl's own rules differ from Go's.
 *
 * HTTP_PROXY for http, HTTPS_PROXY for https, NO_PROXY; in lower case if the upper-case variable is
 * not set. NO_PROXY has commas between its entries: "*", or names, ".suffixes", addresses and CIDR
 * blocks, each but the last with an optional port. Loopback addresses and "localhost" never use a
 * proxy.
 */
#pragma once

#include "net/proxy_url.h"

/* Returns an environment variable: getenv(), or a table in tests. */
typedef const char *proxy_variable(const char *name);

/* Fills `proxy`, which the caller must deinit also after a failure; PROXY_NONE: no proxy. Fails
 * like proxy_url_parse(). */
bool proxy_of(const char *url, proxy_variable *variable, struct proxy *proxy,
              struct error *err) MUST_CHECK;
