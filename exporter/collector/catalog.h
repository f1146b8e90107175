/* SPDX-License-Identifier: Apache-2.0 */
/* All collectors compiled in: a table made by the build from the names in collectors/. */
#ifndef COLLECTOR_CATALOG_H
#define COLLECTOR_CATALOG_H

#include "collector/collector.h"

extern const struct collector *const catalog[]; /* ends with NULL */

const struct collector *catalog_find(const char *name);

#endif
