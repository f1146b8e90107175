/* SPDX-License-Identifier: Apache-2.0 */
/* One Canary -> an entry of `probes:` for each of its image checks. */
#ifndef CONFIG_CANARY_CHECKER_CANARY_DOCUMENT_H
#define CONFIG_CANARY_CHECKER_CANARY_DOCUMENT_H

#include "config/config.h"
#include "encoding/yaml.h"

struct canary_folders {
    const char *secrets_dir, *config_maps_dir;
};

/* What all documents of a file add to. */
struct canary_probes {
    struct arena *arena;
    struct problems *problems;
    struct canary_folders folders;
    struct yaml_node *list; /* of `probes:` */
    struct config_canaries *found;
    const char *bases[YAML_MEMBERS_MAX]; /* of the list's members: the name before its number;
                                          * NULL of those that the user named */
};

void canary_document_read(struct canary_probes *probes, const struct yaml_node *document);

#endif
