/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_keys.h"

#include "base/text.h"

#include <string.h>

#define DURATION_MAX (366 * 86400 * NS_PER_SECOND)

const struct setting config_resource_settings[] = {
    SETTING(SETTING_UINT, struct config_resource_keys, max_concurrent, "max_concurrent", "0",
            "Probes that may use the registry at once; 0: no limit.", .example = "2"),
    {0},
};

const struct collector *config_find_operation(const struct config_schema *schema, const char *name)
{
    for (const struct collector *const *at = schema->catalog; *at; at++)
        if ((*at)->lane == LANE_PROBE && strcmp((*at)->name, name) == 0)
            return *at;
    return NULL;
}

const struct collector *config_first_operation(const struct config_schema *schema)
{
    for (const struct collector *const *at = schema->catalog; *at; at++)
        if ((*at)->lane == LANE_PROBE)
            return *at;
    return NULL;
}

void config_operations(const struct config_schema *schema, const char *names[CONFIG_TABLES_MAX + 1])
{
    size_t n = 0;

    for (const struct collector *const *at = schema->catalog; *at && n < CONFIG_TABLES_MAX; at++)
        if ((*at)->lane == LANE_PROBE)
            names[n++] = (*at)->name;
    names[n] = NULL;
}

void config_collector_keys(const struct collector *collector, bool off,
                           struct setting table[CONFIG_KEYS_MAX])
{
    const struct setting rows[] = {
        SETTING(SETTING_BOOL, struct config_job_keys, enabled, "enabled", off ? "false" : "true",
                "Whether the collector runs."),
        SETTING(SETTING_DURATION, struct config_job_keys, interval_ns, "interval",
                collector->interval, "Time from one run to the next."),
        SETTING(SETTING_DURATION, struct config_job_keys, timeout_ns, "timeout", collector->timeout,
                "Time after which a run is canceled."),
        {0},
    };

    memcpy(table, rows, sizeof(rows));
    if (collector->lane == LANE_SCRAPE)
        table[1] = (struct setting){0};
}

void config_probe_keys(const struct collector *collector, const char *const *operations,
                       struct setting table[CONFIG_KEYS_MAX])
{
    const struct setting rows[] = {
        SETTING(SETTING_STRING, struct config_job_keys, name, "name", NULL,
                "Name of the probe, the label of its metrics.", .example = "hub-busybox"),
        SETTING_CHOICE(struct config_job_keys, operation, "operation", operations, NULL,
                       "Operation of the probe."),
        SETTING(SETTING_BOOL, struct config_job_keys, enabled, "enabled", "true",
                "Whether the probe runs. A disabled probe is checked, but has no series."),
        SETTING(SETTING_DURATION, struct config_job_keys, interval_ns, "interval",
                collector ? collector->interval : "1m", "Time from one run to the next."),
        SETTING(SETTING_STRING, struct config_job_keys, schedule, "schedule", "",
                "Schedule instead of an interval: a crontab line, or @every 5m.",
                .example = "*/5 * * * *"),
        SETTING(SETTING_DURATION, struct config_job_keys, timeout_ns, "timeout",
                collector ? collector->timeout : "1m", "Time after which a run is canceled."),
        SETTING(SETTING_DURATION, struct config_job_keys, retry_ns, "retry_interval", "1m",
                "Time from a failure to the retry; 0s: no retries."),
        {0},
    };
    size_t first = operations ? 0 : 2;

    memcpy(table, rows + first, sizeof(rows) - first * sizeof(rows[0]));
}

static bool check_duration(const struct settings_source *source, const char *name, int64_t ns,
                           int64_t min_ns, const char *expected)
{
    const struct yaml_node *node = settings_find(source->section, name);

    if (!node || (ns >= min_ns && ns <= DURATION_MAX))
        return true;
    return problems_add(source->problems, node->place,
                        "\"%s\": \"%s\" is out of range: expected %s", name, node->text, expected);
}

bool config_check_durations(const struct settings_source *source,
                            const struct config_job_keys *keys)
{
    int64_t retry_ns = keys->retry_ns > 0 ? keys->retry_ns : CONFIG_INTERVAL_MIN;
    bool ok =
        check_duration(source, "interval", keys->interval_ns, CONFIG_INTERVAL_MIN, "1s to 366d");

    ok &= check_duration(source, "timeout", keys->timeout_ns, 1, "more than 0s, at most 366d");
    return check_duration(source, "retry_interval", retry_ns, CONFIG_INTERVAL_MIN,
                          "0s (no retries) or 1s to 366d") &&
           ok;
}

/* "@every 5m" is equivalent to `interval: 5m`. */
static bool parse_schedule(struct config_job_keys *keys, struct error *err)
{
    static const char every[] = "@every ";
    const char *text = keys->schedule;

    if (text_starts_with(text, every))
        return text_duration_ns(text + strlen(every), &keys->interval_ns, err);
    if (!cron_parse(&keys->cron, text, err))
        return false;
    keys->by_cron = true;
    keys->interval_ns = cron_shortest_gap_seconds(&keys->cron) * NS_PER_SECOND;
    return true;
}

bool config_check_schedule(const struct settings_source *source, struct config_job_keys *keys)
{
    const struct yaml_node *node = settings_find(source->section, "schedule");
    struct error err;

    if (!node || !keys->schedule) /* a wrong type was reported by settings_fill() */
        return true;
    if (settings_find(source->section, "interval"))
        return problems_add(source->problems, settings_place(node),
                            "both \"interval\" and \"schedule\" are set: expected only one");
    if (!parse_schedule(keys, &err))
        return problems_add(source->problems, node->place, "\"schedule\": %s", err.message);
    return check_duration(source, "schedule", keys->interval_ns, CONFIG_INTERVAL_MIN, "1s to 366d");
}
