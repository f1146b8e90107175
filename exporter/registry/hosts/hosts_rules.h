/* SPDX-License-Identifier: Apache-2.0 */
/* What versions of containerd do differently with hosts.toml and its hosts. */
#pragma once

#include "registry/hosts/hosts_dialect.h"

/* All zero: the newest containerd, of an unknown build. */
struct hosts_rules {
    enum hosts_dialect dialect;
    bool like_containerd_1; /* requires a [host] table; knows no dial_timeout and no capital keys */
    bool no_referrers;      /* does not know this capability */
    bool rewrites;          /* knows the key `rewrite`: k3s, RKE2 */
    bool push_without_ns;   /* sends no "?ns=" with the requests of a push */
};
