/* SPDX-License-Identifier: Apache-2.0 */
/* The state of one reading of the configuration, for the parts that config.c calls. */
#pragma once

#include "config/config.h"
#include "encoding/yaml.h"

#define PROBE_NAME_MAX 50

struct config_reading {
    const struct config_schema *schema;
    struct arena *arena; /* of nodes and messages; freed after the reading */
    struct problems *problems, *warnings;
    const struct yaml_node *root;       /* never NULL */
    const struct yaml_node *registries; /* with shared credentials; NULL if the file has none */
    const struct yaml_node *defaults; /* of probes, NULL: the file has none, or mistakes in them */
    struct config_written *written;   /* what the jobs so far write at registries */
    struct config *config;            /* `jobs` has room for every job of the file */
};

/* Returns a top-level mapping or sequence. NULL: it is absent, null or of another kind; another
 * kind is reported. */
const struct yaml_node *config_part(const struct config_reading *reading, const char *name,
                                    enum yaml_kind kind);

/* Adds what `into` lacks of the member `from` of another mapping, level by level. */
void config_merge(struct arena *arena, struct yaml_node *into, const struct yaml_node *from);
