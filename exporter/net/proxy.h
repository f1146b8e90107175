/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which proxy a URL goes through, by the environment, as Go's programs read it: so that a node's
 * exporter and its containerd, given the same variables, take the same way.
 *
 * HTTP_PROXY for http, HTTPS_PROXY for https (or in lower case, where the upper is not set).
 * NO_PROXY: "*", or names, ".suffixes", addresses and CIDR blocks, each with an optional port.
 * localhost and loopback addresses never have one.
 */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include <stdbool.h>

/* Looks a variable up; getenv() but in tests. */
typedef const char *proxy_variable(const char *name);

/* The proxy for `url`, or NULL for none. What `variable` returned. */
const char *proxy_of(const char *url, proxy_variable *variable);

#endif
