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

#include "net/http/proxy_url.h"

/* Returns an environment variable: getenv(), or a table in tests. */
typedef const char *proxy_variable(const char *name);

/* The environment of this process. */
proxy_variable proxy_environment;

/* Fills `proxy`, which the caller must deinit also after a failure; PROXY_NONE: no proxy. Fails
 * like proxy_url_parse(). */
bool proxy_of(const char *url, proxy_variable *variable, struct proxy *proxy,
              struct error *err) MUST_CHECK;

/* Returns false, with ERROR_INVALID, if a proxy of the environment is surely a mistake: Go ignores
 * it, or connects to another host than its author meant. */
bool proxy_check(proxy_variable *variable, struct error *err) MUST_CHECK;

/* A message for error_set(): its argument is the name of the variable. It never shows the value. */
#define PROXY_MISREAD                                                                   \
    "invalid proxy in %s: expected a URL such as http://proxy.example:3128, with %%23 " \
    "for #, %%2F for /, %%3F for ? and %%25 for %% in a password"
