/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/daemon/daemon_hosts.h"

#include "containerd/containerd.h"

#include <string.h>

static const struct {
    unsigned since; /* the first DAEMON_VERSION() with these rules */
    struct hosts_rules rules;
} known[] = {
    {DAEMON_VERSION(0, 0),
     {.dialect = HOSTS_DIALECT_GO_1,
      .like_containerd_1 = true,
      .no_referrers = true,
      .push_without_ns = true}},
    {DAEMON_VERSION(2, 0),
     {.dialect = HOSTS_DIALECT_1_0, .no_referrers = true, .push_without_ns = true}},
    {DAEMON_VERSION(2, 2), {.dialect = HOSTS_DIALECT_1_0, .push_without_ns = true}},
    {DAEMON_VERSION(2, 3), {.dialect = HOSTS_DIALECT_1_0}},
    {DAEMON_VERSION(2, 4), {.dialect = HOSTS_DIALECT_1_1}},
};

/* Releases of the project, k3s and RKE2 begin with a "v" and have the go-toml of their version.
 * Builds of distributions may have a newer one. */
static bool is_own_build(const char *version)
{
    return *version != 'v';
}

struct hosts_rules daemon_hosts_rules(const char *version)
{
    struct hosts_rules rules = known[0].rules;

    for (size_t i = 1; i < sizeof(known) / sizeof(known[0]); i++)
        if (daemon_version(version) >= known[i].since)
            rules = known[i].rules;
    rules.rewrites = strstr(version, "-k3s") || strstr(version, "+k3s");
    if (rules.dialect == HOSTS_DIALECT_1_0 && is_own_build(version))
        rules.dialect = HOSTS_DIALECT_UNKNOWN;
    return rules;
}
