/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and addresses of pages, as the command line has them. */
#ifndef COMMAND_WEB_PATH_H
#define COMMAND_WEB_PATH_H

#include "base/error.h"

#include <stddef.h>

/* An absolute path that a request can have: no query, no fragment, nothing escaped. */
bool web_path_check(const char *path, struct error *err) MUST_CHECK;

/* The path of "http://host/path", or of "/path"; "" for "". */
bool web_path_of_url(const char *url, char *path, size_t path_size, struct error *err) MUST_CHECK;

/* "x", "/x/" -> "/x"; "", "/" -> "". */
bool web_path_prefix(const char *text, char *prefix, size_t prefix_size,
                     struct error *err) MUST_CHECK;

#endif
