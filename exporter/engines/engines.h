/* SPDX-License-Identifier: Apache-2.0 */
/* The list of all engines that are compiled in. */
#pragma once

#include "engines/engine.h"

extern const struct engine *const engines[]; /* NULL ends the list */

/* NULL if there is no such engine. */
const struct engine *engine_find(const char *operation, const char *name);
