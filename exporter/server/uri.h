/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in a request line between the method and the version: path and query, decoded.
 *
 * A text that cannot be decoded (a bad escape, a NUL) is refused whole: guessing what was meant is
 * how filters are passed by.
 */
#ifndef SERVER_URI_H
#define SERVER_URI_H

#include "base/error.h"

#include <stddef.h>

struct uri {
    const char *path;   /* "/metrics"; of "http://host/metrics", too; "*" stays what it is */
    const char *pairs_; /* private: "name\0value\0name\0value\0" */
    size_t n_pairs_;
};

/* Decodes into `memory`, of URI_MEMORY(strlen(text)) bytes; `uri` points into it. */
#define URI_MEMORY(length) (2 * (length) + 2)
bool uri_parse(const char *text, char *memory, struct uri *uri) MUST_CHECK;

/* The values of a parameter, which may be repeated, in their order; returns how many there are, of
 * which the first `max` are filled in. */
size_t uri_query(const struct uri *uri, const char *name, const char **values, size_t max);

#endif
