/* SPDX-License-Identifier: Apache-2.0 */
/* One section of the file -> one job: its state filled, checked and fingerprinted. */
#ifndef ENGINE_CONFIG_JOB_H
#define ENGINE_CONFIG_JOB_H

#include "engine/config_jobs.h"
#include "engine/settings.h"

/* The keys that the engine itself understands; `name` and `operation` are a probe's. */
struct config_job_keys {
    const char *name;
    unsigned operation;
    bool enabled;
    int64_t interval_ns, timeout_ns;
};

/* Reports an interval or timeout that is written and out of bounds. */
bool config_check_durations(const struct settings_source *source,
                            const struct config_job_keys *keys, int64_t interval_min_ns);

/* Adds the job to reading->config, or reports why not. `keys_ok`: no mistake was found in the
 * keys, so that a job may come of it; otherwise its settings are only checked. */
void config_add_job(struct config_reading *reading, const struct collector *collector,
                    const struct settings_source *source, const struct config_job_keys *keys,
                    bool keys_ok);

#endif
