/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_reading.h"

#include <string.h>

const struct yaml_node *config_part(const struct config_reading *reading, const char *name,
                                    enum yaml_kind kind)
{
    const struct yaml_node *node = yaml_member(reading->root, name, strlen(name));

    if (!node || yaml_is_null(node) || node->kind == YAML_BROKEN)
        return NULL;
    if (node->kind == kind)
        return node;
    problems_add(reading->problems, node->place, "\"%s\": expected %s, found %s", name,
                 kind == YAML_MAPPING ? "a mapping" : "a list", yaml_describe(node));
    return NULL;
}
