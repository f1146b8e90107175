/* SPDX-License-Identifier: Apache-2.0 */
/* Converts one section of the file into one job: fills, checks and fingerprints its state. */
#pragma once

#include "base/clock.h"
#include "config/config_reading.h"
#include "config/settings.h"

#define CONFIG_ANY_HOST     "*" /* the entry of `registries:` for hosts without an entry */
#define CONFIG_INTERVAL_MIN NS_PER_SECOND

/* The keys of the scheduler. A collector has only the last three. */
struct config_job_keys {
    const char *name, *schedule;
    unsigned operation;
    int64_t retry_ns;
    struct cron cron;
    bool by_cron; /* `cron` is set; both are derived from `schedule` by config_check_schedule() */
    bool enabled;
    int64_t interval_ns, timeout_ns; /* initially valid, because a wrong type leaves them unset */
};

/* The scheduler's keys in an entry of `registries:`. */
struct config_resource_keys {
    uint64_t max_concurrent;
};
extern const struct setting config_resource_settings[];

/* Reports an interval, timeout or retry_interval in the section that is out of range. */
bool config_check_durations(const struct settings_source *source,
                            const struct config_job_keys *keys);

/* Converts keys->schedule, if set, into an interval or a cron line; reports mistakes. */
bool config_check_schedule(const struct settings_source *source, struct config_job_keys *keys);

/* Adds the job to reading->config, or reports mistakes. With `keys_ok` false (a mistake in the keys
 * was reported) the settings are checked, but no job is added. */
void config_add_job(struct config_reading *reading, const struct collector *collector,
                    const struct settings_source *source, const struct config_job_keys *keys,
                    bool keys_ok);

/* Frees the state, then the arena of a job; both may be NULL. */
void config_job_release(struct config_job *job);
