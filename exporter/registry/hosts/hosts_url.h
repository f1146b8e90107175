/* SPDX-License-Identifier: Apache-2.0 */
/* The URLs of a hosts.toml, read as Go reads them, and names of hosts with their ports. */
#ifndef REGISTRY_HOSTS_HOSTS_URL_H
#define REGISTRY_HOSTS_HOSTS_URL_H

#include "base/arena.h"

struct hosts_url {
    const char *scheme, *authority;
    const char *path; /* as the API stands below it: "/v2", "/prefix/v2"; "" possible */
    bool usable;      /* false: containerd takes it, and can send no request to it */
};

/* `text`: of [host."..."] or `server`, not empty. ERROR_INVALID: not even a URL to Go. */
bool hosts_url_parse(const char *text, bool override_path, struct arena *arena,
                     struct hosts_url *out, struct error *err) MUST_CHECK;

/* "" if it has none. Points into `authority`. */
const char *hosts_url_port(const char *authority);

/* "localhost", 127.0.0.0/8 or ::1, whatever the port. */
bool hosts_url_is_loopback(const char *authority);

#endif
