/* SPDX-License-Identifier: Apache-2.0 */
/* The list `probes:`. Its entries are alone in the file: nothing is left out silently. */
#include "base/clock.h"
#include "config/config_job.h"

#include <string.h>

#define PROBE_INTERVAL_MIN NS_PER_SECOND /* short, for tests and demonstrations */

/* The names of the collectors that are operations; NULL if the arena is full. */
static const char *const *operations(const struct config_reading *reading)
{
    const struct collector *const *catalog = reading->schema->catalog;
    const char **names;
    size_t n = 0, n_names = 0;

    while (catalog[n])
        n++;
    names = arena_alloc(reading->arena, (n + 1) * sizeof(*names));
    for (size_t i = 0; names && i < n; i++)
        if (catalog[i]->lane == LANE_PROBE)
            names[n_names++] = catalog[i]->name;
    return names;
}

/* NULL if the operation is missing or wrong. */
static const struct collector *find_operation(const struct config_reading *reading,
                                              const struct yaml_node *section)
{
    const struct yaml_node *node = settings_find(section, "operation");

    for (const struct collector *const *at = reading->schema->catalog; *at; at++)
        if (node && node->kind == YAML_SCALAR && (*at)->lane == LANE_PROBE &&
            strcmp((*at)->name, node->text) == 0)
            return *at;
    return NULL;
}

/* Words of letters and digits, joined by single dots, dashes or underscores. */
static bool is_probe_name(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    if (strlen(name) > PROBE_NAME_MAX)
        return false;
    for (;;) {
        size_t word = strspn(name, letters);

        if (word == 0)
            return false;
        if (!name[word])
            return true;
        if (!strchr("._-", name[word]))
            return false;
        name += word + 1;
    }
}

static bool check_name(const struct settings_source *source)
{
    const struct yaml_node *node = settings_find(source->section, "name"), *other;

    if (!node || node->kind != YAML_SCALAR || !*node->text)
        return true; /* reported where it was filled */
    if (!is_probe_name(node->text))
        return problems_add(source->problems, node->place,
                            "\"name\": \"%s\" is not at most %d letters and digits, with single "
                            "dots, dashes or underscores between them",
                            node->text, PROBE_NAME_MAX);
    for (const struct yaml_node *probe = source->section->parent->children;
         probe != source->section; probe = probe->next) {
        other = settings_find(probe, "name");
        if (other && other->kind == YAML_SCALAR && strcmp(other->text, node->text) == 0)
            return problems_add(source->problems, node->place,
                                "\"name\": there is another probe \"%s\" at line %zu", node->text,
                                other->place.line);
    }
    return true;
}

static void read_probe(struct config_reading *reading, const struct yaml_node *section,
                       const char *const *choices)
{
    const struct collector *collector = find_operation(reading, section);
    struct setting own[] = {
        SETTING(SETTING_STRING, struct config_job_keys, name, "name", NULL,
                "What the probe is called, in the label of its metrics."),
        SETTING_CHOICE(struct config_job_keys, operation, "operation", choices, NULL,
                       "What it does."),
        SETTING(SETTING_DURATION, struct config_job_keys, interval_ns, "interval",
                collector ? collector->interval : "1m", "Time from one run to the next."),
        SETTING(SETTING_STRING, struct config_job_keys, schedule, "schedule", "",
                "When it runs, instead of an interval: as in crontab, or @every 5m."),
        SETTING(SETTING_DURATION, struct config_job_keys, timeout_ns, "timeout",
                collector ? collector->timeout : "1m", "Time after which a run is given up."),
        SETTING(SETTING_DURATION, struct config_job_keys, retry_ns, "retry_interval", "1m",
                "Time from a failure to the next run; 0s: as from any run."),
        {0},
    };
    const struct settings_tables tables =
        settings_join(own, collector ? collector->settings : NULL);
    struct config_job_keys keys = {.interval_ns = PROBE_INTERVAL_MIN,
                                   .timeout_ns = PROBE_INTERVAL_MIN};
    struct settings_source source =
        settings_source_of(section, NULL, reading->arena, reading->problems);
    bool ok = true;

    if (section->kind != YAML_MAPPING && !yaml_is_null(section)) {
        settings_check_keys(&source, tables.items);
        return;
    }
    if (collector) /* without it nobody knows which other keys there may be */
        ok = settings_check_keys(&source, tables.items);
    ok &= settings_fill(&source, own, SETTINGS_ALL, &keys);
    ok &= config_check_durations(&source, &keys, PROBE_INTERVAL_MIN);
    ok &= config_check_schedule(&source, &keys, PROBE_INTERVAL_MIN);
    ok &= check_name(&source);
    if (collector)
        config_add_job(reading, collector, &source, &keys, ok);
}

void config_read_probes(struct config_reading *reading)
{
    const struct yaml_node *probes = config_part(reading, "probes", YAML_SEQUENCE);
    const char *const *choices = operations(reading);

    for (const struct yaml_node *at = probes && choices ? probes->children : NULL; at;
         at = at->next)
        read_probe(reading, at, choices);
}
