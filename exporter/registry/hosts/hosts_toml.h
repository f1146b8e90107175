/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hosts.toml as it is written: types are checked here, what the values mean is hosts.c's
 * business. toml++ is behind this and in hosts_toml.cpp only.
 */
#ifndef REGISTRY_HOSTS_HOSTS_TOML_H
#define REGISTRY_HOSTS_HOSTS_TOML_H

#include "base/arena.h"

#define HOSTS_TOML_BYTES_MAX   ((size_t)128 << 10)
#define HOSTS_TOML_HOSTS_MAX   ((size_t)32)
#define HOSTS_TOML_HEADERS_MAX ((size_t)64) /* lines, of one host */
#define HOSTS_TOML_FILES_MAX   ((size_t)32) /* and other words in one list */

struct hosts_toml_pair {
    const char *cert, *key; /* key NULL: it is in `cert` */
};

/* Lists end with NULL, and are NULL where nothing is said. */
struct hosts_toml_entry {
    const char *name; /* the URL of [host."..."]; of the root: `server`, or "" */
    unsigned line;
    bool by_header; /* written as [host."..."], not as an inline table or a dotted key */
    bool override_path;
    const bool *skip_verify; /* NULL: nothing is said */
    const char *const *capabilities;
    const char *const *ca;
    const struct hosts_toml_pair *clients; /* ends with a NULL cert */
    const char *const *headers;            /* "Name: value" */
    const char *dial_timeout;
};

struct hosts_toml {
    struct hosts_toml_entry root;
    const struct hosts_toml_entry *hosts; /* in the order of the file */
    size_t count;
    bool has_host_table;
};

/* What containerd could not read either is ERROR_INVALID, with the line but nothing of the text:
 * headers hold basic_auth. More than the ceilings: ERROR_LIMIT. `any_case`: names of keys may be
 * written in any case. In `arena`. */
bool hosts_toml_parse(const char *text, size_t size, bool any_case, struct arena *arena,
                      struct hosts_toml *out, struct error *err) MUST_CHECK;

#endif
