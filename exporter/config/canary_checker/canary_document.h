/* SPDX-License-Identifier: Apache-2.0 */
/* Converts one Canary into an entry of `probes:` for each of its image checks. */
#pragma once

#include "config/config.h"
#include "encoding/yaml.h"

struct canary_folders {
    const char *secrets_dir, *config_maps_dir;
};

/* The state of one file's documents. */
struct canary_probes {
    struct arena *arena;
    struct problems *problems;
    struct canary_folders folders;
    struct yaml_node *list; /* `probes:` */
    struct config_canaries *counts;
    const char *bases[YAML_MEMBERS_MAX]; /* of the list's members: the name without its number;
                                          * NULL: the member was in the list before */
};

void canary_document_read(struct canary_probes *probes, const struct yaml_node *document);
