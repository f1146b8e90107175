/* SPDX-License-Identifier: Apache-2.0 */
/* One value of the file -> one member of a struct; what each setting_type accepts. */
#ifndef CONFIG_SETTINGS_TYPES_H
#define CONFIG_SETTINGS_TYPES_H

#include "config/settings.h"

/* A mistake is reported at the value and leaves the member as it was. */
bool settings_store(const struct settings_source *source, const struct setting *setting,
                    const struct yaml_node *value, void *member);

/* What a fallback of "" means: "", 0, false, none. */
void settings_store_nothing(const struct setting *setting, void *member);

#endif
