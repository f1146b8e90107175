/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON schema has a line for each member, so that changes of the file can be read. */
#include "config/canary_checker/canary_documents.h"
#include "config/config_keys.h"
#include "config/reference/config_reference.h"
#include "encoding/json_quote.h"

#include <string.h>

#define STEP     2 /* columns per level */
#define VARIABLE "\\$\\{"
#define DURATION \
    "^(?=[0-9])([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$|" VARIABLE
#define SIZE                                  \
    "^[0-9]+( ?B)?$|^[0-9]+([.][0-9]{1,6})? " \
    "?(Ki|Mi|Gi|Ti|KiB|MiB|GiB|TiB|k|kB|M|MB|G|GB|T|TB)$|" VARIABLE

struct writer {
    struct buf *out;
    unsigned level;
    bool more; /* a comma comes before the next member */
};

/* Starts a member of an object, or with `key` NULL an item of an array. */
static void member(struct writer *to, const char *key)
{
    buf_printf(to->out, "%s\n%*s", to->more ? "," : "", (int)(to->level * STEP), "");
    to->more = true;
    if (!key)
        return;
    json_quote(to->out, key);
    buf_append_str(to->out, ": ");
}

static void open(struct writer *to, const char *key, char bracket)
{
    if (to->level > 0)
        member(to, key);
    buf_append_char(to->out, bracket);
    to->level++;
    to->more = false;
}

static void close(struct writer *to, char bracket)
{
    to->level--;
    buf_printf(to->out, "\n%*s%c", (int)(to->level * STEP), "", bracket);
    to->more = true;
}

static void text(struct writer *to, const char *key, const char *value)
{
    member(to, key);
    json_quote(to->out, value);
}

/* `value` is JSON. */
static void raw(struct writer *to, const char *key, const char *value)
{
    member(to, key);
    buf_append_str(to->out, value);
}

/* ---- values ---- */

static void words(struct writer *to, const char *const *items)
{
    open(to, "anyOf", '[');
    open(to, NULL, '{');
    open(to, "enum", '[');
    for (; *items; items++)
        text(to, NULL, *items);
    close(to, ']');
    close(to, '}');
    open(to, NULL, '{');
    text(to, "type", "string");
    text(to, "pattern", VARIABLE);
    close(to, '}');
    close(to, ']');
}

/* YAML reads 5 and true without quotes as another type, and they are valid strings here. */
static void string(struct writer *to, bool required)
{
    raw(to, "type", "[\"string\", \"number\", \"boolean\"]");
    if (required)
        raw(to, "minLength", "1");
}

static void constraints(struct writer *to, const struct setting *setting)
{
    const char *const *choices = setting->choices ? setting->choices : setting->words;

    switch (setting->type) {
    case SETTING_BOOL:
        raw(to, "type", "[\"boolean\", \"string\"]");
        text(to, "pattern", VARIABLE);
        break;
    case SETTING_UINT:
    case SETTING_BYTES:
        raw(to, "type", "[\"integer\", \"string\"]");
        raw(to, "minimum", "0");
        text(to, "pattern", setting->type == SETTING_BYTES ? SIZE : "^[0-9]+$|" VARIABLE);
        break;
    case SETTING_DURATION:
        text(to, "type", "string");
        text(to, "pattern", DURATION);
        break;
    case SETTING_LIST:
    case SETTING_MAP:
        raw(to, "type",
            setting->type == SETTING_LIST ? "[\"array\", \"null\"]" : "[\"object\", \"null\"]");
        open(to, setting->type == SETTING_LIST ? "items" : "additionalProperties", '{');
        string(to, false);
        close(to, '}');
        break;
    default:
        if (choices)
            words(to, choices);
        else
            string(to, !setting->fallback);
    }
}

static bool is_literal(const struct setting *setting, const char *value)
{
    return setting->type == SETTING_BOOL ||
           ((setting->type == SETTING_UINT || setting->type == SETTING_BYTES) &&
            strspn(value, "0123456789") == strlen(value));
}

static bool is_scalar(const struct setting *setting)
{
    return setting->type != SETTING_LIST && setting->type != SETTING_MAP;
}

static void property(struct writer *to, const char *key, const struct setting *setting)
{
    const char *fallback = setting->fallback;

    open(to, key, '{');
    text(to, "description", setting->help);
    constraints(to, setting);
    if (fallback && *fallback && is_scalar(setting))
        (is_literal(setting, fallback) ? raw : text)(to, "default", fallback);
    if (setting->example && is_scalar(setting)) {
        open(to, "examples", '[');
        (is_literal(setting, setting->example) ? raw : text)(to, NULL, setting->example);
        close(to, ']');
    }
    close(to, '}');
}

/* ---- mappings ---- */

/* Names have at most one dot: "auth.username" is a property of the object "auth". */
static size_t group_size(const char *name)
{
    return strchr(name, '.') ? strcspn(name, ".") : 0;
}

static bool is_of_group(const struct setting *setting, const struct setting *first)
{
    size_t size = group_size(first->name);

    return group_size(setting->name) == size && strncmp(setting->name, first->name, size) == 0;
}

static void object_begin(struct writer *to)
{
    raw(to, "type", "[\"object\", \"null\"]");
    raw(to, "additionalProperties", "false");
    open(to, "properties", '{');
}

static const struct setting *next_of_group(const struct setting *const *tables, size_t *table,
                                           size_t *row, const struct setting *first)
{
    for (; tables[*table]; (*table)++, *row = 0)
        for (; tables[*table][*row].name; (*row)++)
            if (is_of_group(&tables[*table][*row], first))
                return &tables[*table][(*row)++];
    return NULL;
}

/* Writes all settings of the group, which may come from several tables. */
static void group(struct writer *to, const struct setting *const *tables,
                  const struct setting *first)
{
    size_t size = group_size(first->name), table = 0, row = 0;
    const struct setting *at;
    char name[64];

    memcpy(name, first->name, size);
    name[size] = '\0';
    open(to, name, '{');
    object_begin(to);
    while ((at = next_of_group(tables, &table, &row, first)))
        property(to, at->name + size + 1, at);
    close(to, '}');
    close(to, '}');
}

static void properties(struct writer *to, const struct setting *const *tables)
{
    for (size_t i = 0; tables && tables[i]; i++)
        for (const struct setting *at = tables[i]; at->name; at++) {
            size_t table = 0, row = 0;

            if (group_size(at->name) == 0)
                property(to, at->name, at);
            else if (next_of_group(tables, &table, &row, at) == at)
                group(to, tables, at);
        }
}

/* Writes an object with the settings of `own` and `tables`. */
static void object(struct writer *to, const char *key, const char *help, const struct setting *own,
                   const struct setting *const *tables)
{
    open(to, key, '{');
    if (help)
        text(to, "description", help);
    object_begin(to);
    properties(to, own ? SETTINGS(own) : NULL);
    properties(to, tables);
    close(to, '}');
    close(to, '}');
}

static void exclude_interval_with_schedule(struct writer *to)
{
    raw(to, "not", "{\"type\": \"object\", \"required\": [\"interval\", \"schedule\"]}");
}

/* ---- parts ---- */

static void collectors(struct writer *to, const struct config_schema *schema)
{
    struct setting own[CONFIG_KEYS_MAX];

    open(to, "collectors", '{');
    text(to, "description", "Collectors of the inventory, by name.");
    object_begin(to);
    for (const struct collector *const *at = schema->catalog; *at; at++)
        if ((*at)->lane != LANE_PROBE) {
            config_collector_keys(*at, (*at)->opt_in, own);
            object(to, (*at)->name, (*at)->help, own, (*at)->settings);
        }
    close(to, '}');
    close(to, '}');
}

static void registries(struct writer *to, const struct config_schema *schema)
{
    const struct collector *owners[CONFIG_TABLES_MAX];
    const struct setting *tables[CONFIG_TABLES_MAX + 1];

    config_resource_tables(schema, owners, tables);
    open(to, "registries", '{');
    text(to, "description",
         "How to use a registry, by its host as images name it; \"*\": every other host. An entry "
         "without credentials takes docker_config and credential_provider of \"*\".");
    raw(to, "type", "[\"object\", \"null\"]");
    raw(to, "propertyNames", "{\"minLength\": 1}");
    object(to, "additionalProperties", NULL, config_resource_settings, tables);
    close(to, '}');
}

static void defaults(struct writer *to, const struct config_schema *schema)
{
    struct setting own[CONFIG_KEYS_MAX], table[CONFIG_DEFAULTS_MAX + 1];
    bool first = true;

    config_probe_keys(NULL, NULL, own);
    for (struct setting *at = own; at->name; at++)
        at->fallback = "";
    open(to, "defaults", '{');
    text(to, "description", "Keys that probes need not repeat.");
    exclude_interval_with_schedule(to);
    object_begin(to);
    for (const struct collector *const *at = schema->catalog; *at; at++) {
        if ((*at)->lane != LANE_PROBE)
            continue;
        if (first) {
            config_default_settings(schema, *at, true, table);
            properties(to, SETTINGS(own));
            properties(to, SETTINGS(table));
        }
        first = false;
        config_default_settings(schema, *at, false, table);
        open(to, (*at)->name, '{');
        buf_printf(to->out, "\n%*s\"description\": \"Defaults for probes of operation %s.\"",
                   (int)(to->level * STEP), "", (*at)->name);
        to->more = true;
        exclude_interval_with_schedule(to);
        object_begin(to);
        properties(to, SETTINGS(own));
        properties(to, SETTINGS(table));
        close(to, '}');
        close(to, '}');
    }
    close(to, '}');
    close(to, '}');
}

static void required(struct writer *to, const struct setting *const *tables)
{
    open(to, "required", '[');
    for (size_t i = 0; tables && tables[i]; i++)
        for (const struct setting *at = tables[i]; at->name; at++)
            if (!at->fallback && group_size(at->name) == 0)
                text(to, NULL, at->name);
    close(to, ']');
}

/* If the operation is that of the collector, all keys are known. */
static void probe_of(struct writer *to, const struct collector *collector,
                     const char *const *operations)
{
    struct setting own[CONFIG_KEYS_MAX];

    config_probe_keys(collector, operations, own);
    open(to, NULL, '{');
    open(to, "if", '{');
    open(to, "properties", '{');
    open(to, "operation", '{');
    text(to, "const", collector->name);
    close(to, '}');
    close(to, '}');
    raw(to, "required", "[\"operation\"]");
    close(to, '}');
    open(to, "then", '{');
    text(to, "description", collector->help);
    exclude_interval_with_schedule(to);
    required(to, collector->settings);
    object_begin(to);
    properties(to, SETTINGS(own));
    properties(to, collector->settings);
    close(to, '}');
    close(to, '}');
    close(to, '}');
}

static void probes(struct writer *to, const struct config_schema *schema)
{
    const char *operations[CONFIG_TABLES_MAX + 1];
    struct setting own[CONFIG_KEYS_MAX];

    config_operations(schema, operations);
    config_probe_keys(NULL, operations, own);
    open(to, "probes", '{');
    text(to, "description", "Pulls, pushes and tags that run on a schedule.");
    raw(to, "type", "[\"array\", \"null\"]");
    open(to, "items", '{');
    text(to, "type", "object");
    required(to, SETTINGS(own));
    open(to, "properties", '{');
    properties(to, SETTINGS(own));
    close(to, '}');
    open(to, "allOf", '[');
    for (const struct collector *const *at = schema->catalog; *at; at++)
        if ((*at)->lane == LANE_PROBE)
            probe_of(to, *at, operations);
    close(to, ']');
    close(to, '}');
    close(to, '}');
}

static void settings(struct writer *to, const struct config_schema *schema)
{
    open(to, "settings", '{');
    object_begin(to);
    for (const struct config_section *at = schema->sections; at && at->name; at++)
        object(to, at->name, NULL, at->settings, NULL);
    collectors(to, schema);
    registries(to, schema);
    defaults(to, schema);
    probes(to, schema);
    object(to, "kubernetes", "Where mounted secrets of canary-checker's documents are.",
           canary_folders_settings, NULL);
    close(to, '}');
    close(to, '}');
}

/* A file may hold documents of canary-checker, too; their fields are not described here. */
static void document(struct writer *to)
{
    open(to, "document", '{');
    raw(to, "required", "[\"apiVersion\", \"kind\"]");
    open(to, "properties", '{');
    raw(to, "apiVersion", "{\"enum\": [\"canaries.flanksource.com/v1\", \"v1\"]}");
    raw(to, "kind", "{\"enum\": [\"Canary\", \"CanaryList\", \"List\"]}");
    close(to, '}');
    close(to, '}');
}

void config_reference_json(const struct config_schema *schema, struct buf *out)
{
    struct writer to = {.out = out};

    open(&to, NULL, '{');
    text(&to, "$schema", "http://json-schema.org/draft-07/schema#");
    text(&to, "title", "Configuration file of containerd_exporter");
    raw(&to, "if",
        "{\"type\": \"object\", \"anyOf\": [{\"required\": [\"kind\"]}, "
        "{\"required\": [\"apiVersion\"]}]}");
    raw(&to, "then", "{\"$ref\": \"#/definitions/document\"}");
    raw(&to, "else", "{\"$ref\": \"#/definitions/settings\"}");
    open(&to, "definitions", '{');
    settings(&to, schema);
    document(&to);
    close(&to, '}');
    close(&to, '}');
    buf_append_char(out, '\n');
}
