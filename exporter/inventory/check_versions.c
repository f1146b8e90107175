/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/check_versions.h"

#include "containerd/daemon_version.h"

#include <stddef.h>

static const struct check_rules dialects[] = {
    {DAEMON_VERSION(0, 0), false, false, false, false},
    {DAEMON_VERSION(1, 7), true, false, false, false},
    {DAEMON_VERSION(2, 0), true, true, false, false},
    {DAEMON_VERSION(2, 1), true, true, true, false},
    {DAEMON_VERSION(2, 3), true, true, true, true},
};

const struct check_rules *check_rules_of(const char *version)
{
    const struct check_rules *rules = &dialects[0];

    for (size_t i = 1; i < sizeof(dialects) / sizeof(dialects[0]); i++)
        if (daemon_version(version) >= dialects[i].since)
            rules = &dialects[i];
    return rules;
}
