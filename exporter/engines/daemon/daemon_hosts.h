/* SPDX-License-Identifier: Apache-2.0 */
/* Tells how a version of containerd reads hosts.toml. */
#pragma once

#include "registry/hosts/hosts_rules.h"

/* `version` as the daemon reports it. Text that is no version gets the rules of the newest. */
struct hosts_rules daemon_hosts_rules(const char *version);
