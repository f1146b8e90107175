/* SPDX-License-Identifier: Apache-2.0 */
/* The exporter itself: starts, serves until a signal ends it, stops. */
#pragma once

#include "command/options.h"
#include "config/config.h"

/* Returns false if the start failed; the error has been logged. */
bool serve(const struct options *options, const struct config_schema *schema);
