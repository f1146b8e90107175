/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request target of a request line: path and query, decoded.
 *
 * An invalid escape or a NUL rejects the whole text: a lenient reading could bypass a filter.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

struct uri {
    const char *path;   /* "/metrics", also of "http://host/metrics"; "*" is unchanged */
    const char *pairs_; /* private: "name\0value\0name\0value\0" */
    size_t n_pairs_;
};

/* Decodes into `memory`, of URI_MEMORY(strlen(text)) bytes; `uri` points into it. A text with a
 * blank is invalid. */
#define URI_MEMORY(length) (2 * (length) + 2)
bool uri_parse(const char *text, char *memory, struct uri *uri) MUST_CHECK;

/* The values of a parameter, which may be repeated, in their order. Returns how many there are;
 * fills in the first `max`. */
size_t uri_query(const struct uri *uri, const char *name, const char **values, size_t max);
