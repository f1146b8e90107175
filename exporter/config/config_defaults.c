/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `defaults:`, keys that probes need not repeat.
 *
 * Keys of the top level hold for every probe, those below an operation, such as `pull:`, for its
 * probes. Each probe is read as if it had the keys itself, so mistakes of values are found with the
 * probe and reported in `defaults:`. Here the keys and types are checked, also without any probe.
 */
#include "config/config_keys.h"
#include "config/config_sections.h"
#include "encoding/yaml_build.h"

#include <string.h>

/* ---- which settings may be here ---- */

/* Returns whether `name` is `key`, or below it. */
static bool is_below(const char *name, const char *key)
{
    size_t size = strlen(key);

    return strncmp(name, key, size) == 0 && (name[size] == '\0' || name[size] == '.');
}

bool config_every_operation_has(const struct config_schema *schema, const char *name)
{
    for (const struct collector *const *at = schema->catalog; *at; at++)
        if ((*at)->lane == LANE_PROBE && !settings_named((*at)->settings, name))
            return false;
    return true;
}

size_t config_default_settings(const struct config_schema *schema,
                               const struct collector *collector, bool common,
                               struct setting out[CONFIG_DEFAULTS_MAX + 1])
{
    size_t n = 0;

    for (size_t i = 0; collector->settings && collector->settings[i]; i++)
        for (const struct setting *at = collector->settings[i]; at->name; at++)
            if (!at->not_in_defaults && (!common || config_every_operation_has(schema, at->name)) &&
                n < CONFIG_DEFAULTS_MAX)
                out[n++] = *at;
    out[n] = (struct setting){0};
    return n;
}

/* ---- checks ---- */

/* Returns whether all keys are known. */
static bool check_level(const struct config_reading *reading, const struct yaml_node *level,
                        const struct collector *collector, bool common)
{
    struct setting table[CONFIG_DEFAULTS_MAX + 1], own[CONFIG_KEYS_MAX];
    CLEANUP(freep) void *scratch = calloc(1, collector->state_size + 1);
    struct config_job_keys keys = CONFIG_JOB_KEYS_INIT;
    const struct settings_source source =
        settings_source_of(level, NULL, reading->arena, reading->problems);
    bool ok;

    if (!scratch)
        return problems_add(reading->problems, level->place, "out of memory");
    config_default_settings(reading->schema, collector, common, table);
    config_probe_keys(collector, NULL, own);
    ok = settings_check_keys(&source, own, SETTINGS(table));
    settings_fill(&source, table, SETTINGS_WRITTEN, scratch);
    settings_fill(&source, own, SETTINGS_WRITTEN, &keys);
    config_check_durations(&source, &keys);
    config_check_schedule(&source, &keys);
    return ok;
}

/* Returns the first setting of a probe that is `key` or below it, `here` one that `defaults:` may
 * have; NULL: no operation has it. */
static const struct setting *find_setting(const struct config_schema *schema, const char *key,
                                          bool here)
{
    for (const struct collector *const *at = schema->catalog; *at; at++)
        for (size_t i = 0; (*at)->lane == LANE_PROBE && (*at)->settings && (*at)->settings[i]; i++)
            for (const struct setting *setting = (*at)->settings[i]; setting->name; setting++)
                if (is_below(setting->name, key) && !(here && setting->not_in_defaults))
                    return setting;
    return NULL;
}

static bool registries_have(const struct config_schema *schema, const char *name)
{
    for (const struct collector *const *at = schema->catalog; *at; at++)
        if (settings_named(SETTINGS((*at)->resource_settings), name))
            return true;
    return false;
}

/* Reports a key of probes that is elsewhere. Returns whether `key` may stand for every probe. */
static bool check_key(const struct config_reading *reading, const struct yaml_node *key)
{
    const struct setting *allowed = find_setting(reading->schema, key->text, true);
    const struct setting *any = find_setting(reading->schema, key->text, false);

    if (allowed && !config_every_operation_has(reading->schema, allowed->name))
        return problems_add(reading->problems, key->place,
                            "\"%s\" is a setting of some operations: expected below the name of an "
                            "operation",
                            key->text);
    if (any && !allowed)
        return problems_add(
            reading->problems, key->place,
            "\"%s\" is not allowed in \"defaults\": expected in an entry of "
            "\"probes\"%s",
            key->text, registries_have(reading->schema, any->name) ? " or \"registries\"" : "");
    return true;
}

static bool is_key(const struct yaml_node *node, const char *text)
{
    return node->key && strcmp(node->key->text, text) == 0;
}

void config_merge(struct arena *arena, struct yaml_node *into, const struct yaml_node *from)
{
    const struct yaml_node *node = from;

    while (node && into) {
        struct yaml_node *same = into->kind == YAML_MAPPING ? into->children : NULL;

        while (same && strcmp(same->key->text, node->key->text) != 0)
            same = same->next;
        if (!same) {
            same = yaml_build_copy(arena, into, node->key ? node->key->text : NULL, node);
        } else if (same->kind != YAML_MAPPING || node->kind != YAML_MAPPING) {
            same = NULL;
        }
        if (same && node->children) {
            into = same;
            node = node->children;
            continue;
        }
        for (; node != from && !node->next; node = node->parent)
            into = into->parent;
        node = node == from ? NULL : node->next;
    }
}

void config_read_defaults(struct config_reading *reading)
{
    const struct yaml_node *defaults = config_part(reading, "defaults", YAML_MAPPING);
    struct yaml_node *common;
    const struct collector *operation, *any = config_first_operation(reading->schema);
    bool ok = true;

    if (!defaults || !any)
        return;
    common = yaml_build_root(reading->arena, YAML_MAPPING, defaults->place);
    for (const struct yaml_node *at = defaults->children; at; at = at->next) {
        operation = config_find_operation(reading->schema, at->key->text);
        if (operation)
            ok &= check_level(reading, at, operation, false);
        else if (check_key(reading, at->key))
            config_merge(reading->arena, common, at);
        else
            ok = false;
    }
    if (common && check_level(reading, common, any, true) && ok)
        reading->defaults = defaults; /* else each probe would report the keys again */
}

/* ---- merging ---- */

static bool is_time(const struct yaml_node *member)
{
    return is_key(member, "interval") || is_key(member, "schedule");
}

/* Adds the keys of one level. An interval and a schedule exclude each other. */
static void add_level(const struct config_reading *reading, struct yaml_node *into,
                      const struct yaml_node *level)
{
    bool timed = settings_find(into, "interval") || settings_find(into, "schedule");

    for (const struct yaml_node *at = level ? level->children : NULL; at; at = at->next)
        if (!(timed && is_time(at)) && !config_find_operation(reading->schema, at->key->text))
            config_merge(reading->arena, into, at);
}

const struct yaml_node *config_with_defaults(const struct config_reading *reading,
                                             const struct yaml_node *section,
                                             const struct collector *collector)
{
    struct yaml_node *merged;

    if (!reading->defaults || section->kind != YAML_MAPPING || !collector)
        return section;
    merged = yaml_build_root(reading->arena, YAML_MAPPING, section->place);
    for (const struct yaml_node *at = section->children; merged && at; at = at->next)
        config_merge(reading->arena, merged, at);
    if (!merged)
        return section;
    add_level(reading, merged,
              yaml_member(reading->defaults, collector->name, strlen(collector->name)));
    add_level(reading, merged, reading->defaults);
    return merged;
}
