/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the URLs of a hosts.toml like Go, and hosts with ports. */
#pragma once

#include "base/arena.h"

struct hosts_url {
    const char *scheme, *authority;
    const char *path; /* prefix of the API: "/v2", "/prefix/v2" or "" */
    bool usable;      /* false: containerd accepts it, but cannot send requests to it */
};

/* `text` of [host."..."] or `server` must not be empty. ERROR_INVALID: Go cannot parse it. */
bool hosts_url_parse(const char *text, bool override_path, struct arena *arena,
                     struct hosts_url *out, struct error *err) MUST_CHECK;

/* Like Go's path.Clean(): "/a//b/../c/" becomes "/a/c", and "/" becomes "". `path` begins with "/"
 * or is empty. */
void hosts_url_clean(char *path);

/* Returns the port, a pointer into `authority`; "" if it has none. */
const char *hosts_url_port(const char *authority);

/* Whether the host is "localhost", 127.0.0.0/8 or ::1, with any port. */
bool hosts_url_is_loopback(const char *authority);
