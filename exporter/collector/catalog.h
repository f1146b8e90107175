/* SPDX-License-Identifier: Apache-2.0 */
/* All collectors of this build. The build creates the table from the file names in collectors/. */
#ifndef COLLECTOR_CATALOG_H
#define COLLECTOR_CATALOG_H

#include "collector/collector.h"

extern const struct collector *const catalog[]; /* ends with NULL */

/* Returns NULL if there is no such collector. */
const struct collector *catalog_find(const char *name);

#endif
