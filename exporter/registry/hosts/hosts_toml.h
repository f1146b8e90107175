/* SPDX-License-Identifier: Apache-2.0 */
/* Parses a hosts.toml and checks the types of its values; hosts.c interprets them. Only
 * hosts_toml.cpp uses toml++. */
#pragma once

#include "base/arena.h"
#include "registry/hosts/hosts_rewrite.h"
#include "registry/hosts/hosts_rules.h"

#define HOSTS_TOML_BYTES_MAX    ((size_t)128 << 10)
#define HOSTS_TOML_HOSTS_MAX    ((size_t)32)
#define HOSTS_TOML_HEADERS_MAX  ((size_t)64)  /* of one host */
#define HOSTS_TOML_REWRITES_MAX ((size_t)256) /* of one host */
#define HOSTS_TOML_FILES_MAX    ((size_t)32)  /* or other texts in one list */

struct hosts_toml_pair {
    const char *cert, *key; /* key NULL: `cert` has the key, too */
};

/* Lists end with NULL; an absent list is NULL. */
struct hosts_toml_entry {
    const char *name; /* the URL of [host."..."]; for the root: `server`, or "" */
    unsigned line;
    bool by_header; /* written as [host."..."], not as an inline table or a dotted key */
    bool override_path;
    const bool *skip_verify; /* NULL: absent */
    const char *const *capabilities;
    const char *const *ca;
    const struct hosts_toml_pair *clients; /* ends with a NULL cert */
    const char *const *headers;            /* "Name: value" */
    const char *dial_timeout;
    const struct hosts_rewrite
        *rewrites;         /* ends with a NULL pattern; in the order of the patterns */
    unsigned rewrite_line; /* of the key; 0: absent */
};

struct hosts_toml {
    struct hosts_toml_entry root;
    const struct hosts_toml_entry *hosts; /* in the order of the file */
    size_t count;
    bool has_host_table;
    unsigned newest_line; /* the first with syntax of TOML 1.1; 0: none */
};

/* What containerd cannot parse: ERROR_INVALID with the line, but without the text, because headers
 * may hold credentials. Above the limits: ERROR_LIMIT. In `arena`. */
bool hosts_toml_parse(const char *text, size_t size, const struct hosts_rules *rules,
                      struct arena *arena, struct hosts_toml *out, struct error *err) MUST_CHECK;
