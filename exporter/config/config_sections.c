/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_sections.h"

#include "base/clock.h"
#include "config/config_dump.h"
#include "config/config_job.h"

#include <string.h>

#define SCRAPE_TIMEOUT NS_PER_SECOND
#define TABLES_MAX     16 /* different resource_settings in one catalog */

size_t config_jobs_max(const struct config_reading *reading)
{
    const struct yaml_node *probes = yaml_member(reading->root, "probes", strlen("probes"));
    size_t n = probes ? probes->count : 0;

    for (size_t i = 0; reading->schema->catalog[i]; i++)
        n++;
    return n;
}

/* ---- registries ---- */

/* Finds one collector of each different table; returns their number. `tables` ends with NULL. */
static size_t find_tables(const struct config_reading *reading,
                          const struct collector *owners[TABLES_MAX],
                          const struct setting *tables[TABLES_MAX + 1])
{
    size_t n = 0, at;

    for (size_t i = 0; reading->schema->catalog[i] && n < TABLES_MAX; i++) {
        const struct collector *collector = reading->schema->catalog[i];

        if (collector->lane != LANE_PROBE || !collector->resource_settings)
            continue;
        for (at = 0; at < n && tables[at] != collector->resource_settings; at++)
            continue;
        owners[at] = collector;
        tables[at] = collector->resource_settings;
        n += at == n;
    }
    tables[n] = NULL;
    return n;
}

/* Checks values without a job; dumps them to `show` unless that is NULL. */
static void check_values(const struct settings_source *source, const struct setting *const *tables,
                         size_t state_size, struct config_dump *show)
{
    CLEANUP(freep) void *scratch = calloc(1, state_size + 1);

    if (!scratch)
        problems_add(source->problems, source->place, "out of memory");
    else if (settings_fill_tables(source, tables, show ? SETTINGS_ALL : SETTINGS_WRITTEN, scratch))
        for (size_t i = 0; show && tables[i]; i++)
            config_dump_settings(show, tables[i], scratch);
}

static void check_name_of(const struct config_reading *reading, const struct yaml_node *entry,
                          const struct collector *collector)
{
    const char *name = entry->key->text;
    struct error err;

    if (*name && strcmp(name, CONFIG_ANY_HOST) != 0 && collector->check_resource &&
        !collector->check_resource(name, &err))
        problems_add(reading->problems, entry->key->place, "\"%s\": %s", name, err.message);
}

static void check_registry(const struct config_reading *reading, const struct yaml_node *entry)
{
    const struct collector *owners[TABLES_MAX];
    const struct setting *tables[TABLES_MAX + 1];
    size_t n = find_tables(reading, owners, tables);
    struct settings_source source =
        settings_source_of(entry, NULL, reading->arena, reading->problems);
    struct config_dump show = {&reading->config->config_dump, 2};

    if (!*entry->key->text)
        problems_add(reading->problems, entry->key->place,
                     "empty registry name: expected HOST[:PORT] or \"*\"");
    settings_check_keys(&source, config_resource_settings, tables);
    config_dump_heading(&show, entry->key->text);
    show.indent = 4;
    for (size_t i = 0; i < n; i++) {
        check_name_of(reading, entry, owners[i]);
        check_values(&source, SETTINGS(tables[i]), owners[i]->state_size, &show);
    }
    check_values(&source, SETTINGS(config_resource_settings), sizeof(struct config_resource_keys),
                 &show);
}

void config_read_registries(struct config_reading *reading)
{
    reading->registries = config_part(reading, "registries", YAML_MAPPING);
    if (!reading->registries)
        return;
    config_dump_heading(&(struct config_dump){&reading->config->config_dump}, "registries");
    for (const struct yaml_node *entry = reading->registries->children; entry; entry = entry->next)
        check_registry(reading, entry);
}

/* ---- collectors ---- */

/* Flags override the file. */
static bool is_enabled(const struct config_reading *reading, size_t at, bool in_file)
{
    const enum config_switch *switches = reading->schema->collectors;

    return switches && switches[at] != CONFIG_DEFAULT ? switches[at] == CONFIG_ON : in_file;
}

static void read_collector(struct config_reading *reading, size_t at,
                           const struct yaml_node *section)
{
    const struct collector *collector = reading->schema->catalog[at];
    bool off = collector->opt_in || reading->schema->collectors_off;
    struct setting own[] = {
        SETTING(SETTING_BOOL, struct config_job_keys, enabled, "enabled", off ? "false" : "true",
                "Whether the collector runs."),
        SETTING(SETTING_DURATION, struct config_job_keys, interval_ns, "interval",
                collector->interval, "Time from one run to the next."),
        SETTING(SETTING_DURATION, struct config_job_keys, timeout_ns, "timeout", collector->timeout,
                "Time after which a run is canceled."),
        {0},
    };
    struct config_job_keys keys = {.name = collector->name,
                                   .interval_ns = CONFIG_INTERVAL_MIN,
                                   .timeout_ns = CONFIG_INTERVAL_MIN};
    struct settings_source source =
        settings_source_of(section, reading->root, reading->arena, reading->problems);
    bool ok;

    if (collector->lane == LANE_SCRAPE)
        own[1] = (struct setting){0};
    ok = settings_check_keys(&source, own, collector->settings);
    ok &= settings_fill(&source, own, SETTINGS_ALL, &keys);
    if (collector->lane == LANE_SCRAPE) {
        keys.interval_ns = 0;
        keys.timeout_ns = SCRAPE_TIMEOUT;
    } else {
        ok &= config_check_durations(&source, &keys);
    }
    keys.enabled = is_enabled(reading, at, keys.enabled);
    if (keys.enabled) {
        config_add_job(reading, collector, &source, &keys, ok);
        return;
    }
    check_values(&source, collector->settings, collector->state_size, NULL);
    buf_printf(&reading->config->config_dump, "  %s:\n    enabled: false\n", collector->name);
}

/* Reports a section that is not of a collector, or of a probe operation. */
static void check_collector_name(const struct config_reading *reading, const struct yaml_node *key)
{
    struct suggest_words words = {0};

    for (const struct collector *const *at = reading->schema->catalog; *at; at++) {
        bool is_probe = (*at)->lane == LANE_PROBE;

        if (!is_probe)
            suggest_add(&words, (*at)->name);
        if (strcmp((*at)->name, key->text) != 0)
            continue;
        if (is_probe)
            problems_add(reading->problems, key->place,
                         "\"%s\" is a probe operation: expected under \"probes\", not "
                         "\"collectors\"",
                         key->text);
        return;
    }
    settings_unknown(reading->problems, "collector", key, &words);
}

void config_read_collectors(struct config_reading *reading)
{
    const struct yaml_node *sections = config_part(reading, "collectors", YAML_MAPPING);

    for (const struct yaml_node *at = sections ? sections->children : NULL; at; at = at->next)
        check_collector_name(reading, at->key);
    config_dump_heading(&(struct config_dump){&reading->config->config_dump}, "collectors");
    for (size_t i = 0; reading->schema->catalog[i]; i++) {
        const struct collector *collector = reading->schema->catalog[i];

        if (collector->lane != LANE_PROBE)
            read_collector(reading, i,
                           yaml_member(sections, collector->name, strlen(collector->name)));
    }
}

/* ---- probes ---- */

/* Returns the names of the probe operations; NULL if the arena is full. */
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

/* Returns NULL if the operation is missing or unknown. */
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

/* A name is words of letters and digits, joined by single dots, dashes or underscores. */
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
        return true; /* reported by settings_fill() */
    if (!is_probe_name(node->text))
        return problems_add(source->problems, node->place,
                            "\"name\": invalid probe name \"%s\": expected at most %d letters and "
                            "digits, with single dots, dashes or underscores between them",
                            node->text, PROBE_NAME_MAX);
    for (const struct yaml_node *probe = source->section->parent->children;
         probe != source->section; probe = probe->next) {
        other = settings_find(probe, "name");
        if (other && other->kind == YAML_SCALAR && strcmp(other->text, node->text) == 0)
            return problems_add(source->problems, node->place,
                                "\"name\": duplicate probe name \"%s\": first used at line %zu",
                                node->text, other->place.line);
    }
    return true;
}

static void read_probe(struct config_reading *reading, const struct yaml_node *section,
                       const char *const *choices)
{
    const struct collector *collector = find_operation(reading, section);
    struct setting own[] = {
        SETTING(SETTING_STRING, struct config_job_keys, name, "name", NULL,
                "Name of the probe, the label of its metrics."),
        SETTING_CHOICE(struct config_job_keys, operation, "operation", choices, NULL,
                       "Operation of the probe."),
        SETTING(SETTING_DURATION, struct config_job_keys, interval_ns, "interval",
                collector ? collector->interval : "1m", "Time from one run to the next."),
        SETTING(SETTING_STRING, struct config_job_keys, schedule, "schedule", "",
                "Schedule instead of an interval: a crontab line, or @every 5m."),
        SETTING(SETTING_DURATION, struct config_job_keys, timeout_ns, "timeout",
                collector ? collector->timeout : "1m", "Time after which a run is canceled."),
        SETTING(SETTING_DURATION, struct config_job_keys, retry_ns, "retry_interval", "1m",
                "Time from a failure to the retry; 0s: no retries."),
        {0},
    };
    struct config_job_keys keys = {.interval_ns = CONFIG_INTERVAL_MIN,
                                   .timeout_ns = CONFIG_INTERVAL_MIN};
    struct settings_source source =
        settings_source_of(section, NULL, reading->arena, reading->problems);
    bool ok = true;

    if (section->kind != YAML_MAPPING && !yaml_is_null(section)) {
        settings_check_keys(&source, own, NULL);
        return;
    }
    if (collector) /* without an operation the valid keys are unknown */
        ok = settings_check_keys(&source, own, collector->settings);
    ok &= settings_fill(&source, own, SETTINGS_ALL, &keys);
    ok &= config_check_durations(&source, &keys);
    ok &= config_check_schedule(&source, &keys);
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
