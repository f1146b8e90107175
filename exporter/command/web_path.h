/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and URLs in the flags of the web server. */
#pragma once

#include "base/error.h"

#include <stddef.h>

/* Checks an absolute path: no query, no fragment, no escapes. */
bool web_path_check(const char *path, struct error *err) MUST_CHECK;

/* Copies the path of "http://host/path" or "/path"; "" for "". */
bool web_path_of_url(const char *url, char *path, size_t path_size, struct error *err) MUST_CHECK;

/* The prefix of all paths: --web.route-prefix, or, if that is NULL, the path of --web.external-url.
 */
bool web_path_routes(const char *external_url, const char *route_prefix, char *prefix,
                     size_t prefix_size, struct error *err) MUST_CHECK;

/* Normalises a prefix: "x" and "/x/" become "/x"; "" and "/" become "". */
bool web_path_prefix(const char *text, char *prefix, size_t prefix_size,
                     struct error *err) MUST_CHECK;
