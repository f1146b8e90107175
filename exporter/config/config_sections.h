/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a configuration that create jobs: `collectors:`, `registries:`, `probes:`. Only
 * config.c calls these. */
#pragma once

#include "config/config_reading.h"

/* Returns an upper bound of the number of jobs. */
size_t config_jobs_max(const struct config_reading *reading);

/* Each reports every mistake of its part. The registries must be read first. */
void config_read_registries(struct config_reading *reading);
void config_read_collectors(struct config_reading *reading);
void config_read_probes(struct config_reading *reading);
