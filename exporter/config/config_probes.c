/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the entries of `probes:`. */
#include "config/config_job.h"
#include "config/config_sections.h"

#include <string.h>

#define TABLES_MAX 64 /* of all operations */

/* Returns NULL if the operation is missing or unknown. */
static const struct collector *find_operation(const struct config_reading *reading,
                                              const struct yaml_node *section)
{
    const struct yaml_node *node = settings_find(section, "operation");

    return node && node->kind == YAML_SCALAR ? config_find_operation(reading->schema, node->text)
                                             : NULL;
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

static bool check_name(const struct config_reading *reading, const struct yaml_node *section)
{
    const struct yaml_node *node = settings_find(section, "name"), *other;
    char first[PLACE_TEXT_BYTES];

    if (!node || node->kind != YAML_SCALAR || !*node->text)
        return true; /* reported by settings_fill() */
    if (!is_probe_name(node->text))
        return problems_add(reading->problems, node->place,
                            "\"name\": invalid probe name \"%s\": expected at most %d letters and "
                            "digits, with single dots, dashes or underscores between them",
                            node->text, PROBE_NAME_MAX);
    for (const struct yaml_node *probe = section->parent->children; probe != section;
         probe = probe->next) {
        other = settings_find(probe, "name");
        if (other && other->kind == YAML_SCALAR && strcmp(other->text, node->text) == 0)
            return problems_add(reading->problems, node->place,
                                "\"name\": duplicate probe name \"%s\": first used at %s",
                                node->text, place_text(other->place, node->place, first));
    }
    return true;
}

/* The operation is unknown: any key of an operation may be valid. */
static void check_any_keys(const struct config_reading *reading,
                           const struct settings_source *source, const struct setting *own)
{
    const struct setting *tables[TABLES_MAX + 1];
    size_t n = 0;

    for (const struct collector *const *at = reading->schema->catalog; *at; at++)
        for (size_t i = 0; (*at)->lane == LANE_PROBE && (*at)->settings && (*at)->settings[i]; i++)
            if (n < TABLES_MAX)
                tables[n++] = (*at)->settings[i];
    tables[n] = NULL;
    settings_check_keys(source, own, tables);
}

static void read_probe(struct config_reading *reading, const struct yaml_node *section,
                       const char *const *choices)
{
    const struct collector *collector = find_operation(reading, section);
    const struct yaml_node *merged = config_with_defaults(reading, section, collector);
    struct setting own[CONFIG_KEYS_MAX];
    struct config_job_keys keys = CONFIG_JOB_KEYS_INIT;
    struct settings_source source =
        settings_source_of(merged, NULL, reading->arena, reading->problems);
    bool ok = true;

    config_probe_keys(collector, choices, own);
    if (section->kind != YAML_MAPPING && !yaml_is_null(section)) {
        settings_check_keys(&source, own, NULL);
        return;
    }
    if (collector)
        ok = settings_check_keys(&source, own, collector->settings);
    else
        check_any_keys(reading, &source, own);
    ok &= settings_fill(&source, own, SETTINGS_ALL, &keys);
    ok &= config_check_durations(&source, &keys);
    ok &= config_check_schedule(&source, &keys);
    ok &= check_name(reading, section);
    if (collector)
        config_add_job(reading, collector, &(struct config_job_section){source, section}, &keys,
                       ok);
}

void config_read_probes(struct config_reading *reading)
{
    const struct yaml_node *probes = config_part(reading, "probes", YAML_SEQUENCE);
    const char *choices[CONFIG_TABLES_MAX + 1];

    config_operations(reading->schema, choices);
    config_read_defaults(reading);
    for (const struct yaml_node *at = probes ? probes->children : NULL; at; at = at->next)
        read_probe(reading, at, choices);
}
