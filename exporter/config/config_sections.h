/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a configuration that make jobs: `collectors:`, `registries:`, `probes:`.
 * Only config.c uses this; it brings what all parts of one reading share.
 */
#ifndef CONFIG_CONFIG_SECTIONS_H
#define CONFIG_CONFIG_SECTIONS_H

#include "config/config.h"
#include "encoding/yaml.h"

#define PROBE_NAME_MAX 50

struct config_reading {
    const struct config_schema *schema;
    struct arena *arena; /* nodes and messages; gone after the reading */
    struct problems *problems;
    const struct yaml_node *root;       /* never NULL */
    const struct yaml_node *registries; /* NULL if there are none */
    struct config *config;              /* has room in `jobs` for all */
};

/* A top-level mapping or sequence; NULL if it is not there, is null, or is something else,
 * which is reported. */
const struct yaml_node *config_part(const struct config_reading *reading, const char *name,
                                    enum yaml_kind kind);

/* How many jobs there can be at most. */
size_t config_jobs_max(const struct config_reading *reading);

/* Each reports every mistake of its part. The registries come first. */
void config_read_registries(struct config_reading *reading);
void config_read_collectors(struct config_reading *reading);
void config_read_probes(struct config_reading *reading);

#endif
