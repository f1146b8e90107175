/* SPDX-License-Identifier: Apache-2.0 */
/* One section of the file -> one job: its state filled, checked and fingerprinted. */
#ifndef CONFIG_CONFIG_JOB_H
#define CONFIG_CONFIG_JOB_H

#include "config/config_sections.h"
#include "config/cron.h"
#include "config/settings.h"

/* The keys that the engine itself understands; a collector has but the last three. */
#define CONFIG_ANY_HOST "*" /* the entry of `registries:` for hosts without one */

struct config_job_keys {
    const char *name, *schedule;
    unsigned operation;
    int64_t retry_ns;
    struct cron cron;
    bool by_cron; /* the two come of `schedule`, by config_check_schedule() */
    bool enabled;
    int64_t interval_ns, timeout_ns;
};

/* The keys that it understands in an entry of `registries:`. */
struct config_resource_keys {
    uint64_t max_concurrent;
};
extern const struct setting config_resource_settings[];

/* Reports an interval, timeout or retry_interval that is written and out of bounds. */
bool config_check_durations(const struct settings_source *source,
                            const struct config_job_keys *keys, int64_t interval_min_ns);

/* Makes of keys->schedule, if it is written, an interval or a cron line; reports what is wrong. */
bool config_check_schedule(const struct settings_source *source, struct config_job_keys *keys,
                           int64_t interval_min_ns);

/* Adds the job to reading->config, or reports why not. `keys_ok`: no mistake was found in the
 * keys, so that a job may come of it; otherwise its settings are only checked. */
void config_add_job(struct config_reading *reading, const struct collector *collector,
                    const struct settings_source *source, const struct config_job_keys *keys,
                    bool keys_ok);

#endif
