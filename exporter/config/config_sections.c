/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_sections.h"

#include "base/clock.h"
#include "config/config_dump.h"
#include "config/config_job.h"
#include "encoding/yaml_build.h"

#include <string.h>

#define SCRAPE_TIMEOUT NS_PER_SECOND

size_t config_jobs_max(const struct config_reading *reading)
{
    const struct yaml_node *probes = yaml_member(reading->root, "probes", strlen("probes"));
    size_t n = probes ? probes->count : 0;

    for (size_t i = 0; reading->schema->catalog[i]; i++)
        n++;
    return n;
}

/* ---- registries ---- */

size_t config_resource_tables(const struct config_schema *schema,
                              const struct collector *owners[CONFIG_TABLES_MAX],
                              const struct setting *tables[CONFIG_TABLES_MAX + 1])
{
    size_t n = 0, at;

    for (size_t i = 0; schema->catalog[i] && n < CONFIG_TABLES_MAX; i++) {
        const struct collector *collector = schema->catalog[i];

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
    const struct collector *owners[CONFIG_TABLES_MAX];
    const struct setting *tables[CONFIG_TABLES_MAX + 1];
    size_t n = config_resource_tables(reading->schema, owners, tables);
    struct settings_source source =
        settings_source_of(entry, NULL, reading->arena, reading->problems);
    struct config_dump show = {&reading->config->config_dump, 2};

    if (!*entry->key->text)
        problems_add(reading->problems, entry->key->place,
                     "empty registry name: expected HOST[:PORT] or \"*\"");
    settings_check_keys(&source, config_resource_settings, tables);
    for (size_t i = 0; i < n; i++)
        config_review_credentials(reading, entry, tables[i]);
    config_dump_heading(&show, entry->key->text);
    show.indent = 4;
    for (size_t i = 0; i < n; i++) {
        check_name_of(reading, entry, owners[i]);
        check_values(&source, SETTINGS(tables[i]), owners[i]->state_size, &show);
    }
    check_values(&source, SETTINGS(config_resource_settings), sizeof(struct config_resource_keys),
                 &show);
}

static bool has_credentials(const struct yaml_node *entry, const struct setting *const *tables)
{
    for (; *tables; tables++)
        for (const struct setting *at = *tables; at->name; at++)
            if (at->credentials != CREDENTIALS_NONE && settings_find(entry, at->name))
                return true;
    return false;
}

static void add_shared(struct arena *arena, struct yaml_node *entry, const struct yaml_node *any,
                       const struct setting *const *tables)
{
    for (; *tables; tables++)
        for (const struct setting *at = *tables; at->name; at++) {
            const struct yaml_node *member =
                at->credentials == CREDENTIALS_SHARED
                    ? yaml_member(any, at->name, strcspn(at->name, "."))
                    : NULL;

            if (member)
                config_merge(arena, entry, member);
        }
}

/* Returns a copy of the registries: an entry without credentials has the shared ones of "*". */
static const struct yaml_node *with_shared(const struct config_reading *reading,
                                           const struct yaml_node *registries)
{
    const struct yaml_node *any = yaml_member(registries, CONFIG_ANY_HOST, strlen(CONFIG_ANY_HOST));
    const struct collector *owners[CONFIG_TABLES_MAX];
    const struct setting *tables[CONFIG_TABLES_MAX + 1];
    struct yaml_node *all, *copy;

    config_resource_tables(reading->schema, owners, tables);
    all = any ? yaml_build_root(reading->arena, YAML_MAPPING, registries->place) : NULL;
    for (const struct yaml_node *entry = registries->children; all && entry; entry = entry->next) {
        copy = yaml_build_copy(reading->arena, all, entry->key->text, entry);
        for (const struct yaml_node *at = entry->children; at; at = at->next)
            config_merge(reading->arena, copy, at);
        if (copy && yaml_is_null(entry))
            copy->kind = YAML_MAPPING;
        if (copy && !has_credentials(entry, tables))
            add_shared(reading->arena, copy, any, tables);
    }
    return all ? all : registries;
}

void config_read_registries(struct config_reading *reading)
{
    const struct yaml_node *registries = config_part(reading, "registries", YAML_MAPPING);

    if (!registries)
        return;
    reading->registries = with_shared(reading, registries);
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
    struct setting own[CONFIG_KEYS_MAX];
    struct config_job_keys keys = CONFIG_JOB_KEYS_INIT;
    struct settings_source source =
        settings_source_of(section, reading->root, reading->arena, reading->problems);
    bool ok;

    keys.name = collector->name;
    config_collector_keys(collector, off, own);
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
        config_add_job(reading, collector, &(struct config_job_section){source, section}, &keys,
                       ok);
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
