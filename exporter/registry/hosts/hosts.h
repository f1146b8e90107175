/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is asked for an image: the mirrors of containerd's hosts.toml, then the registry.
 *
 * Directories as containerd finds them: below each root of a list joined by ":", the first that
 * exists of "registry.example_5000_", "registry.example:5000", "_default". The rules are those
 * that were measured of containerd (docs of hosts.toml: containerd's docs/hosts.md). A file that
 * containerd would ignore is ignored here too, but not in silence: *warning says so.
 */
#ifndef REGISTRY_HOSTS_HOSTS_H
#define REGISTRY_HOSTS_HOSTS_H

#include "base/arena.h"
#include "oci/reference.h"

#include <stdint.h>

enum host_capability {
    HOST_PULL = 1,
    HOST_RESOLVE = 2,
    HOST_PUSH = 4,
};

/* One host. Strings are never NULL; "" where there is nothing. */
struct host {
    const char *scheme;     /* "https", "http" */
    const char *authority;  /* "mirror.example:5000": what served_by is compared with */
    const char *path;       /* "/v2", "/prefix/v2", or whatever override_path left */
    const char *name_space; /* what "?ns=" must say; "" where the host is the registry itself */
    unsigned capabilities;  /* of enum host_capability */
    bool try_https_first;   /* http, but https is tried first, and the first that answers stays */
    bool skip_verify;
    const char *ca_file;                  /* trusted instead of the system's */
    const char *const *more_ca_files;     /* trusted as well; ends with NULL */
    const char *client_cert, *client_key; /* PEM files */
    const char *const *headers;           /* "Name: value", for every request; ends with NULL */
    int64_t dial_timeout_ns;              /* 0: the default */
};

struct host_list {
    const struct host *items; /* in the order in which they are asked */
    size_t count;
    const char *file; /* the hosts.toml or the directory that this came from; "" if none */
};

/* How the registry itself is reached where no hosts.toml says otherwise. */
struct host_options {
    const char *roots; /* "/etc/containerd/certs.d:/etc/docker/certs.d"; "" or NULL: none */
    bool plain_http, skip_verify;
    const char *ca_file, *client_cert, *client_key; /* NULL or "": none */
    bool like_containerd_1; /* a hosts.toml without a [host] table is ignored, as 1.6 and 1.7 do */
};

/* What is found is in `arena`, or belongs to `options` or `reference`. A file that cannot be used
 * makes *warning.code other than ERROR_NONE, and the list is what containerd would go on with; it
 * has at least one host. Where containerd would not go on, this does not either: ERROR_INVALID for
 * a directory, hosts.toml or certificate that cannot be read. ERROR_LIMIT: more than a ceiling of
 * ours. */
bool hosts_find(const struct reference *reference, const struct host_options *options,
                struct arena *arena, struct host_list *list, struct error *warning,
                struct error *err) MUST_CHECK;

/* The root of `roots` that has a directory for this reference; the first one if none has; "" if
 * there are no roots. For daemons that take one directory. In `arena`. */
const char *hosts_root(const struct reference *reference, const char *roots, struct arena *arena);

#endif
