/* SPDX-License-Identifier: Apache-2.0 */
/* The exporter itself: starts, serves until it is told to end, stops. */
#ifndef COMMAND_SERVE_H
#define COMMAND_SERVE_H

#include "command/options.h"
#include "config/config.h"

/* False if it could not start; what went wrong is logged. */
bool serve(const struct options *options, const struct config_schema *schema);

#endif
