/* SPDX-License-Identifier: Apache-2.0 */
/* Goes through collectors, registries and probes; config_job.c makes a job of each. */
#include "config/config_sections.h"

#include "base/clock.h"
#include "config/config_dump.h"
#include "config/config_job.h"
#include "encoding/suggest.h"

#include <string.h>

#define INTERVAL_MIN        NS_PER_SECOND
#define SCRAPE_TIMEOUT      NS_PER_SECOND /* what runs during the scrape does not block */
#define SUGGEST_LIMIT_BYTES ((size_t)1024)
#define TABLES_MAX          16 /* different resource_settings in one catalog */

size_t config_jobs_max(const struct config_reading *reading)
{
    const struct yaml_node *probes = yaml_member(reading->root, "probes", strlen("probes"));
    size_t n = probes ? probes->count : 0;

    for (size_t i = 0; reading->schema->catalog[i]; i++)
        n++;
    return n;
}

const struct yaml_node *config_part(const struct config_reading *reading, const char *name,
                                    enum yaml_kind kind)
{
    const struct yaml_node *node = yaml_member(reading->root, name, strlen(name));

    if (!node || yaml_is_null(node) || node->kind == YAML_BROKEN)
        return NULL;
    if (node->kind == kind)
        return node;
    problems_add(reading->problems, node->place, "\"%s\": expected %s, found %s", name,
                 kind == YAML_MAPPING ? "a mapping" : "a list", yaml_describe(node));
    return NULL;
}

static const struct collector *find_collector(const struct config_reading *reading,
                                              const char *name)
{
    for (size_t i = 0; reading->schema->catalog[i]; i++)
        if (strcmp(reading->schema->catalog[i]->name, name) == 0)
            return reading->schema->catalog[i];
    return NULL;
}

/* ---- registries ---- */

/* The first collector of each different table; returns their number. The engine's own follows. */
static size_t find_tables(const struct config_reading *reading,
                          const struct collector *owners[TABLES_MAX],
                          const struct setting *tables[TABLES_MAX + 2])
{
    size_t n = 0, known;

    for (const struct collector *const *at = reading->schema->catalog; *at && n < TABLES_MAX;
         at++) {
        if ((*at)->lane != LANE_PROBE || !(*at)->resource_settings)
            continue;
        for (known = 0; known < n && tables[known] != (*at)->resource_settings; known++)
            continue;
        owners[known] = *at;
        tables[known] = (*at)->resource_settings;
        n += known == n;
    }
    tables[n] = config_resource_settings;
    tables[n + 1] = NULL;
    return n;
}

/* Reports what is wrong with values that no job will have, and shows them (`show` NULL: does not).
 */
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
    const struct setting *tables[TABLES_MAX + 2];
    size_t n = find_tables(reading, owners, tables);
    struct settings_source source =
        settings_source_of(entry, NULL, reading->arena, reading->problems);
    struct config_dump show = {&reading->config->config_dump, 2};

    if (!*entry->key->text)
        problems_add(reading->problems, entry->key->place, "the host of a registry is missing");
    settings_check_keys(&source, tables);
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

/* Flags win over the file. */
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
                "Whether it runs."),
        SETTING(SETTING_DURATION, struct config_job_keys, interval_ns, "interval",
                collector->interval, "Time from one run to the next."),
        SETTING(SETTING_DURATION, struct config_job_keys, timeout_ns, "timeout", collector->timeout,
                "Time after which a run is given up."),
        {0},
    };
    struct settings_tables tables;
    struct config_job_keys keys = {
        .name = collector->name, .interval_ns = INTERVAL_MIN, .timeout_ns = INTERVAL_MIN};
    struct settings_source source =
        settings_source_of(section, reading->root, reading->arena, reading->problems);
    bool ok;

    if (collector->lane == LANE_SCRAPE)
        own[1] = (struct setting){0};
    tables = settings_join(own, collector->settings);
    ok = settings_check_keys(&source, tables.items);
    ok &= settings_fill(&source, own, SETTINGS_ALL, &keys);
    if (collector->lane == LANE_SCRAPE) {
        keys.interval_ns = 0;
        keys.timeout_ns = SCRAPE_TIMEOUT;
    } else {
        ok &= config_check_durations(&source, &keys, INTERVAL_MIN);
    }
    keys.enabled = is_enabled(reading, at, keys.enabled);
    if (keys.enabled) {
        config_add_job(reading, collector, &source, &keys, ok);
        return;
    }
    check_values(&source, collector->settings, collector->state_size, NULL);
    buf_printf(&reading->config->config_dump, "  %s:\n    enabled: false\n", collector->name);
}

/* Collectors that have a section of their own: all but the probes. */
static void refuse_collector(const struct config_reading *reading, const struct yaml_node *section)
{
    CLEANUP(buf_deinit) struct buf hint = BUF_INIT(SUGGEST_LIMIT_BYTES);
    const struct yaml_node *key = section->key;
    const struct collector *collector = find_collector(reading, key->text);
    struct suggest_words words = {0};

    if (collector && collector->lane != LANE_PROBE)
        return;
    if (collector) {
        problems_add(reading->problems, key->place,
                     "\"%s\" is an operation of probes; it has no section of its own", key->text);
        return;
    }
    for (const struct collector *const *at = reading->schema->catalog; *at; at++)
        if ((*at)->lane != LANE_PROBE)
            suggest_add(&words, (*at)->name);
    suggest(&words, key->text, &hint);
    problems_add(reading->problems, key->place, "unknown collector \"%s\"%s", key->text,
                 hint.data ? hint.data : "");
}

void config_read_collectors(struct config_reading *reading)
{
    const struct yaml_node *sections = config_part(reading, "collectors", YAML_MAPPING);

    for (const struct yaml_node *at = sections ? sections->children : NULL; at; at = at->next)
        refuse_collector(reading, at);
    config_dump_heading(&(struct config_dump){&reading->config->config_dump}, "collectors");
    for (size_t i = 0; reading->schema->catalog[i]; i++) {
        const struct collector *collector = reading->schema->catalog[i];

        if (collector->lane != LANE_PROBE)
            read_collector(reading, i,
                           yaml_member(sections, collector->name, strlen(collector->name)));
    }
}
