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

/* Adds warnings about a job without mistakes. `resource` is the entry of `registries:`, or NULL. */
void config_review(struct config_reading *reading, const struct config_job *job,
                   const struct yaml_node *section, const struct yaml_node *resource);

/* Warns of secrets that the section holds itself, and of credentials that others hide. */
void config_review_credentials(const struct config_reading *reading,
                               const struct yaml_node *section, const struct setting *table);

/* Frees the state, then the arena of a job; both may be NULL. */
void config_job_release(struct config_job *job);
