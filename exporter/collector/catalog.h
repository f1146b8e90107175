/* SPDX-License-Identifier: Apache-2.0 */
/* All collectors of this build. The build creates the table from the file names in collectors/. */
#pragma once

#include "collector/collector.h"

extern const struct collector *const catalog[]; /* ends with NULL */

/* Returns NULL if there is no such collector. */
const struct collector *catalog_find(const char *name);
