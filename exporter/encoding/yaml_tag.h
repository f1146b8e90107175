/* SPDX-License-Identifier: Apache-2.0 */
/* The standard tags of YAML: !!str, !!int, !!float, !!bool, !!null, !!binary, !!timestamp, !!map,
 * !!seq. */
#pragma once

#include "encoding/yaml.h"

/* Gives the node the type of the tag. Reports an unknown tag and a value of another type; a scalar
 * becomes YAML_BROKEN then. */
void yaml_tag_apply(struct yaml_node *node, const char *tag, struct arena *arena,
                    struct problems *problems);
