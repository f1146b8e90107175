/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/catalog.h"

#include <string.h>

#define COLLECTOR(name) extern const struct collector name##_collector;
#include "collectors.inc"
#undef COLLECTOR

#define COLLECTOR(name) &name##_collector,
const struct collector *const catalog[] = {
#include "collectors.inc"
    NULL,
};
#undef COLLECTOR

const struct collector *catalog_find(const char *name)
{
    for (size_t i = 0; catalog[i]; i++)
        if (strcmp(catalog[i]->name, name) == 0)
            return catalog[i];
    return NULL;
}
