/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the hosts to try for an image: the mirrors of containerd's hosts.toml, then the registry.
 *
 * Directories are found like containerd does: below each root of a list separated by ":", the first
 * that exists of "registry.example_5000_", "registry.example:5000", "_default". The rules are
 * measured on containerd (documented in its docs/hosts.md). A file that containerd ignores is
 * ignored here too, with a *warning.
 */
#pragma once

#include "base/arena.h"
#include "oci/reference.h"
#include "registry/hosts/hosts_rules.h"

#include <stdint.h>

enum host_capability {
    HOST_PULL = 1,
    HOST_RESOLVE = 2,
    HOST_PUSH = 4,
};

/* One host. Strings are never NULL; "" where there is nothing. */
struct host {
    const char *scheme;     /* "https", "http" */
    const char *authority;  /* "mirror.example:5000" */
    const char *path;       /* "/v2", "/prefix/v2", or any with override_path */
    const char *repository; /* there; NULL: as in the reference */
    const char *name_space; /* for "?ns="; "" if the host is the registry itself */
    unsigned capabilities;  /* of enum host_capability */
    bool try_https_first;   /* http, but https is tried first; the first to answer is kept */
    bool skip_verify;
    const char *ca_file;                  /* replaces the system's certificates */
    const char *const *more_ca_files;     /* trusted in addition; ends with NULL */
    const char *client_cert, *client_key; /* PEM files */
    const char *const *headers;           /* "Name: value", for every request; ends with NULL */
    int64_t dial_timeout_ns;              /* 0: the default */
};

struct host_list {
    const struct host *items; /* in the order of the attempts */
    size_t count;
    const char *file;           /* the hosts.toml or its directory; "" without either */
    bool push_without_ns;       /* a push sends no "?ns=" */
    const struct error *failed; /* why there are no hosts; NULL: there are some */
};

/* How to reach the registry itself if no hosts.toml names it. */
struct host_options {
    const char *roots; /* "/etc/containerd/certs.d:/etc/docker/certs.d"; "" or NULL: none */
    bool plain_http, skip_verify;
    const char *ca_file, *client_cert, *client_key; /* NULL or "": none */
    struct hosts_rules rules;
};

/* The list points into `arena`, `options` and `reference`, and has at least one host. If containerd
 * ignores the file, *warning says why (else its code is ERROR_NONE) and the list is what containerd
 * uses instead. Fails where containerd fails: ERROR_INVALID for a directory, hosts.toml or
 * certificate that cannot be read. ERROR_LIMIT: an internal limit is exceeded. The list is empty
 * then, has `file` as far as it is known, and does not set `failed`. */
bool hosts_find(const struct reference *reference, const struct host_options *options,
                struct arena *arena, struct host_list *list, struct error *warning,
                struct error *err) MUST_CHECK;

/* Opens the files of the options as a request does. On failure *file is the path at fault. */
bool hosts_check_files(const struct host_options *options, const char **file,
                       struct error *err) MUST_CHECK;

/* Returns the root that has a directory for this reference, else the first root, else "". A root
 * that cannot be searched counts as having one: the daemon may search it. For daemons that accept a
 * single root. In `arena`. */
const char *hosts_root(const struct reference *reference, const char *roots, struct arena *arena);
