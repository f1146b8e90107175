/* SPDX-License-Identifier: Apache-2.0 */
/* Converts one section of the file into one job: fills, checks and fingerprints its state. */
#pragma once

#include "config/config_keys.h"

struct config_job_section {
    struct settings_source source;
    const struct yaml_node *written; /* the section without `defaults:` */
};

/* Adds the job to reading->config, or reports mistakes. With `keys_ok` false (a mistake in the keys
 * was reported) the settings are checked, but no job is added. */
void config_add_job(struct config_reading *reading, const struct collector *collector,
                    const struct config_job_section *section, const struct config_job_keys *keys,
                    bool keys_ok);

/* Frees the state, then the arena of a job; both may be NULL. */
void config_job_release(struct config_job *job);
