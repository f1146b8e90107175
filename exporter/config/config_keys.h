/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that the scheduler reads: of a collector, of a probe, of an entry of `registries:`.
 *
 * Their fallbacks depend on the collector, so the caller gets a copy of each table.
 */
#pragma once

#include "base/clock.h"
#include "config/config_reading.h"
#include "config/settings.h"

#define CONFIG_ANY_HOST     "*" /* the entry of `registries:` for hosts without an entry */
#define CONFIG_INTERVAL_MIN NS_PER_SECOND
#define CONFIG_KEYS_MAX     8 /* rows of a table, with its end */
#define CONFIG_DEFAULTS_MAX 64
#define CONFIG_TABLES_MAX   16

/* A collector has only the last three. */
struct config_job_keys {
    const char *name, *schedule;
    unsigned operation;
    int64_t retry_ns;
    struct cron cron;
    bool by_cron; /* `cron` is set; both are derived from `schedule` by config_check_schedule() */
    bool enabled;
    int64_t interval_ns, timeout_ns;
};

/* Initial values for a fill that may leave out keys with a wrong type. */
#define CONFIG_JOB_KEYS_INIT                                                                    \
    {                                                                                           \
        .enabled = true, .interval_ns = CONFIG_INTERVAL_MIN, .timeout_ns = CONFIG_INTERVAL_MIN, \
    }

/* Writes the keys of a collector of the inventory or the scrape. `off`: disabled by default. */
void config_collector_keys(const struct collector *collector, bool off,
                           struct setting table[CONFIG_KEYS_MAX]);

/* Writes the keys of a probe. `collector` may be NULL: its operation is unknown. `operations` are
 * the names of all operations; NULL: the keys of `defaults:`, without name and operation. */
void config_probe_keys(const struct collector *collector, const char *const *operations,
                       struct setting table[CONFIG_KEYS_MAX]);

/* Returns whether the probes of every operation have the setting. */
bool config_every_operation_has(const struct config_schema *schema, const char *name);

/* Writes the settings that `defaults:` may have for an operation, or with `common` for all of them;
 * returns their number. */
size_t config_default_settings(const struct config_schema *schema,
                               const struct collector *collector, bool common,
                               struct setting out[CONFIG_DEFAULTS_MAX + 1]);

/* Returns the probe operation of that name; NULL: the catalog does not have it. */
const struct collector *config_find_operation(const struct config_schema *schema, const char *name);

/* Returns the first probe operation; NULL: the catalog has only collectors. */
const struct collector *config_first_operation(const struct config_schema *schema);

/* Writes the names of the first CONFIG_TABLES_MAX probe operations, and NULL. */
void config_operations(const struct config_schema *schema,
                       const char *names[CONFIG_TABLES_MAX + 1]);

/* The scheduler's keys in an entry of `registries:`. */
struct config_resource_keys {
    uint64_t max_concurrent;
};
extern const struct setting config_resource_settings[];

/* Finds the tables of an entry of `registries:` beside that one, and a collector of each; returns
 * their number. `tables` ends with NULL. */
size_t config_resource_tables(const struct config_schema *schema,
                              const struct collector *owners[CONFIG_TABLES_MAX],
                              const struct setting *tables[CONFIG_TABLES_MAX + 1]);

/* Reports an interval, timeout or retry_interval in the section that is out of range. */
bool config_check_durations(const struct settings_source *source,
                            const struct config_job_keys *keys);

/* Converts keys->schedule, if set, into an interval or a cron line; reports mistakes. */
bool config_check_schedule(const struct settings_source *source, struct config_job_keys *keys);
