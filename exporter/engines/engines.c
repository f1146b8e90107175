/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/engines.h"

#include <string.h>

#define ENGINE(name) extern const struct engine name##_engine;
#include "engines.inc"
#undef ENGINE

#define ENGINE(name) &name##_engine,
const struct engine *const engines[] = {
#include "engines.inc"
    NULL,
};
#undef ENGINE

const struct engine *engine_find(const char *operation, const char *name)
{
    for (size_t i = 0; engines[i]; i++)
        if (strcmp(engines[i]->operation, operation) == 0 && strcmp(engines[i]->name, name) == 0)
            return engines[i];
    return NULL;
}
