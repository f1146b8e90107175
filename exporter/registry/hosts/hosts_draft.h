/* SPDX-License-Identifier: Apache-2.0 */
/* Interprets one table of a hosts.toml. */
#pragma once

#include "registry/hosts/hosts.h"
#include "registry/hosts/hosts_toml.h"

#define HOST_ALL (HOST_PULL | HOST_RESOLVE | HOST_PUSH)

/* Where the file is and who reads it. */
struct hosts_place {
    const char *dir; /* of the hosts.toml */
    const struct hosts_rules *rules;
    struct arena *arena;
    struct error *warning;
};

/* A host that is not yet in the list. */
struct hosts_draft {
    struct host host;
    bool tls;                             /* has TLS options, even if only skip_verify = false */
    bool has_bad_header;                  /* Go's client rejects every request with it */
    bool unusable;                        /* containerd cannot send it a request */
    const struct hosts_toml_entry *entry; /* NULL: made without a hosts.toml */
};

/* `draft` must be zero. What voids the file for containerd: ERROR_INVALID with the line. */
bool hosts_draft_read(const struct hosts_place *place, const struct hosts_toml_entry *entry,
                      struct hosts_draft *draft, struct error *err) MUST_CHECK;

/* Warns about a line of the file, unless there is a warning already. */
void hosts_warn(const struct hosts_place *place, unsigned line, const char *what);
