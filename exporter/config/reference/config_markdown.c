/* SPDX-License-Identifier: Apache-2.0 */
#include "config/canary_checker/canary_documents.h"
#include "config/config_keys.h"
#include "config/reference/config_reference.h"

#include <string.h>

#define CELL_END "|" /* of a Markdown table */

static const char *type_name(const struct setting *setting)
{
    static const char *const names[] = {
        [SETTING_STRING] = "text",       [SETTING_SECRET] = "secret",
        [SETTING_BOOL] = "true, false",  [SETTING_UINT] = "number",
        [SETTING_DURATION] = "duration", [SETTING_BYTES] = "size",
        [SETTING_ENUM] = "one of these", [SETTING_LIST] = "list",
        [SETTING_MAP] = "mapping"};

    return names[setting->type];
}

static void print_words(const char *const *words, struct buf *out)
{
    for (size_t i = 0; words[i]; i++)
        buf_printf(out, "%s`%s`", i > 0 ? ", " : "", words[i]);
}

static void print_type(const struct setting *setting, struct buf *out)
{
    const char *const *words = setting->choices ? setting->choices : setting->words;

    if (words)
        print_words(words, out);
    else
        buf_append_str(out, type_name(setting));
}

/* Without an example of its own, a setting shows another value than its default if it can. */
static const char *example_of(const struct setting *setting)
{
    const char *fallback = setting->fallback ? setting->fallback : "";
    const char *const *words = setting->choices ? setting->choices : setting->words;

    if (setting->example)
        return setting->example;
    if (setting->type == SETTING_BOOL)
        return strcmp(fallback, "true") == 0 ? "false" : "true";
    for (size_t i = 0; words && words[i]; i++)
        if (strcmp(words[i], fallback) != 0)
            return words[i];
    return fallback;
}

static void print_row(const struct setting *setting, struct buf *out)
{
    buf_printf(out, "| `%s` | ", setting->name);
    print_type(setting, out);
    if (!setting->fallback)
        buf_append_str(out, " | required");
    else if (*setting->fallback)
        buf_printf(out, " | `%s`", setting->fallback);
    else
        buf_append_str(out, " |");
    buf_append_str(out, " | `");
    buf_append_escaped(out, example_of(setting), CELL_END);
    buf_append_str(out, "` | ");
    buf_append_escaped(out, setting->help, CELL_END);
    buf_append_str(out, " |\n");
}

static void print_rows(const struct setting *table, struct buf *out)
{
    for (; table && table->name; table++)
        print_row(table, out);
}

static void heading(const char *level, const char *title, const char *text, struct buf *out)
{
    buf_printf(out, "\n%s %s\n\n%s\n\n", level, title, text);
}

static void head(struct buf *out)
{
    buf_append_str(out, "| key | type | default | example | meaning |\n|---|---|---|---|---|\n");
}

static void print_sections(const struct config_schema *schema, struct buf *out)
{
    buf_append_str(out, "### Daemons and folders\n\n");
    for (const struct config_section *at = schema->sections; at && at->name; at++) {
        buf_printf(out, "%s`%s:`\n\n", at == schema->sections ? "" : "\n", at->name);
        head(out);
        print_rows(at->settings, out);
    }
    buf_append_str(out,
                   "\n`kubernetes:` (where mounted secrets of canary-checker's documents are)\n\n");
    head(out);
    print_rows(canary_folders_settings, out);
}

/* The keys that every collector has, as one row for each. */
static void print_overview(const struct config_schema *schema, struct buf *out)
{
    buf_append_str(out, "| collector | `enabled` | `interval` | `timeout` | what it does |\n"
                        "|---|---|---|---|---|\n");
    for (const struct collector *const *at = schema->catalog; *at; at++)
        if ((*at)->lane == LANE_INVENTORY)
            buf_printf(out, "| `%s` | %s | `%s` | `%s` | %s |\n", (*at)->name,
                       (*at)->opt_in ? "`false`" : "`true`", (*at)->interval, (*at)->timeout,
                       (*at)->help);
        else if ((*at)->lane == LANE_SCRAPE)
            buf_printf(out, "| `%s` | `true` | at each scrape | | %s |\n", (*at)->name,
                       (*at)->help);
}

static void print_collectors(const struct config_schema *schema, struct buf *out)
{
    heading("###", "`collectors:`",
            "A mapping from the name of a collector to its keys, such as `images: {interval: 1m}`. "
            "Every collector has `enabled` (whether it runs), `interval` (the time from one run to "
            "the next) and `timeout` (the time after which a run is canceled). Their defaults are:",
            out);
    print_overview(schema, out);
    for (const struct collector *const *at = schema->catalog; *at; at++) {
        if ((*at)->lane == LANE_PROBE || !(*at)->settings)
            continue;
        buf_printf(out, "\n`%s:` also has\n\n", (*at)->name);
        head(out);
        for (size_t i = 0; (*at)->settings[i]; i++)
            print_rows((*at)->settings[i], out);
    }
}

static void print_registries(const struct config_schema *schema, struct buf *out)
{
    const struct collector *owners[CONFIG_TABLES_MAX];
    const struct setting *tables[CONFIG_TABLES_MAX + 1];
    size_t n = config_resource_tables(schema, owners, tables);

    heading("###", "`registries:`",
            "A mapping from a host, as images name it (`docker.io`, `registry.example:5000`), to "
            "its keys. `\"*\"` stands for every host without an entry. A host whose entry has no "
            "credentials (`auth`, `docker_config`, `credential_provider`) takes `docker_config` "
            "and `credential_provider` of `\"*\"`, but never its `auth`. An empty `docker_config` "
            "in the entry keeps the host without credentials.",
            out);
    head(out);
    for (size_t i = 0; i < n; i++)
        print_rows(tables[i], out);
    print_rows(config_resource_settings, out);
}

/* Returns whether the setting is the same for all operations. */
static bool is_common(const struct config_schema *schema, const struct setting *setting)
{
    for (const struct collector *const *at = schema->catalog; *at; at++) {
        const struct setting *other =
            (*at)->lane == LANE_PROBE ? settings_named((*at)->settings, setting->name) : setting;

        if (!other || other->words != setting->words)
            return false;
    }
    return true;
}

static void print_probe_rows(const struct config_schema *schema, const struct collector *collector,
                             bool common, struct buf *out)
{
    head(out);
    for (size_t i = 0; collector->settings && collector->settings[i]; i++)
        for (const struct setting *at = collector->settings[i]; at->name; at++)
            if (is_common(schema, at) == common)
                print_row(at, out);
}

static void print_defaults(const struct collector *first, struct buf *out)
{
    heading("###", "`defaults:`",
            "Keys that probes need not repeat. Keys of the top level hold for every probe, keys "
            "below the name of an operation for its probes. The order of precedence is: the probe, "
            "its entry of `registries:`, the operation's defaults, the defaults of all, the "
            "built-in default. Mappings such as `labels` are joined. An `interval` of the probe "
            "replaces a `schedule` of the defaults, and the other way round.",
            out);
    buf_append_str(out, "Not allowed, because they are of one probe or one registry: `name`, "
                        "`operation`");
    for (size_t i = 0; first->settings && first->settings[i]; i++)
        for (const struct setting *at = first->settings[i]; at->name; at++)
            if (at->not_in_defaults)
                buf_printf(out, ", `%s`", at->name);
    buf_append_str(out, ".\n");
}

static void print_probes(const struct config_schema *schema, struct buf *out)
{
    const struct collector *first = config_first_operation(schema);
    const char *names[] = {NULL};
    struct setting own[CONFIG_KEYS_MAX];

    if (!first)
        return;
    print_defaults(first, out);
    heading("###", "`probes:`", "A list. Every probe has these keys:", out);
    config_probe_keys(first, names, own);
    head(out);
    for (const struct setting *at = own; at->name; at++)
        if (strcmp(at->name, "operation") != 0)
            print_row(at, out);
    buf_append_str(out, "| `operation` | ");
    for (const struct collector *const *at = schema->catalog; *at; at++)
        if ((*at)->lane == LANE_PROBE)
            buf_printf(out, "%s`%s`", *at == first ? "" : ", ", (*at)->name);
    buf_append_str(out, " | required | `pull` | Operation of the probe. |\n\n");
    print_probe_rows(schema, first, true, out);
    for (const struct collector *const *at = schema->catalog; *at; at++)
        if ((*at)->lane == LANE_PROBE) {
            buf_printf(out, "\n#### `operation: %s`\n\n%s\n\n", (*at)->name, (*at)->help);
            print_probe_rows(schema, *at, false, out);
        }
}

void config_reference_markdown(const struct config_schema *schema, struct buf *out)
{
    print_sections(schema, out);
    print_collectors(schema, out);
    print_registries(schema, out);
    print_probes(schema, out);
}
