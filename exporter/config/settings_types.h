/* SPDX-License-Identifier: Apache-2.0 */
/* Converts one value of the file into one member of a struct, by its setting_type. */
#pragma once

#include "config/settings.h"

/* A mistake is reported at the value, and the member keeps its value. */
bool settings_store(const struct settings_source *source, const struct setting *setting,
                    const struct yaml_node *value, void *member);

/* Stores the meaning of the fallback "": an empty string or list, 0 or false. */
void settings_store_nothing(const struct setting *setting, void *member);
