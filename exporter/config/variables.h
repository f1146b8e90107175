/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ${NAME} in the values of a configuration: replaced by the environment.
 *
 * $${ stands for a literal ${, any other $ for itself. Keys are left as they are. A
 * variable that is not set is a mistake: an empty password should not go unnoticed.
 */
#ifndef CONFIG_VARIABLES_H
#define CONFIG_VARIABLES_H

#include "encoding/yaml.h"

/* In all scalars within `root`. Those with a mistake become YAML_BROKEN. */
void variables_replace(struct yaml_node *root, struct arena *arena, struct problems *problems);

#endif
