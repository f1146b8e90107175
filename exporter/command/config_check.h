/* SPDX-License-Identifier: Apache-2.0 */
/* --config.check: refuses what a start would refuse, except for what depends on the moment: a port
 * in use, a folder that is missing, a host name. */
#pragma once

#include "command/options.h"
#include "config/config.h"

/* Prints results on standard output and mistakes on standard error. Returns whether there are no
 * mistakes. */
bool config_check(const struct options *options, const struct config_schema *schema);
