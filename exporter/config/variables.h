/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expands ${NAME} in the values of a configuration from the environment.
 *
 * $${ stands for a literal ${, any other $ for itself. Keys are not expanded. A variable that is
 * not set is a mistake, because an empty password should not go unnoticed.
 */
#pragma once

#include "encoding/yaml.h"

/* Expands all scalars within `root`. Those with a mistake are reported and become YAML_BROKEN. */
void variables_replace(struct yaml_node *root, struct arena *arena, struct problems *problems);
