/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a configuration that create jobs: `collectors:`, `registries:`, `defaults:` and
 * `probes:`. Only config.c and config_probes.c call these. */
#pragma once

#include "config/config_reading.h"

/* Returns an upper bound of the number of jobs. */
size_t config_jobs_max(const struct config_reading *reading);

/* Each reports every mistake of its part. The registries must be read first. */
void config_read_registries(struct config_reading *reading);
void config_read_collectors(struct config_reading *reading);
void config_read_probes(struct config_reading *reading);

/* Reads `defaults:`; config_read_probes() calls it first. */
void config_read_defaults(struct config_reading *reading);

/* Returns a copy of an entry of `probes:` with what it lacks of `defaults:`, or the entry itself.
 * `collector` is that of its operation; NULL: unknown. */
const struct yaml_node *config_with_defaults(const struct config_reading *reading,
                                             const struct yaml_node *section,
                                             const struct collector *collector);
