/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that print references: the metrics of this build, and the keys of the configuration.
 */
#include "command/command.h"

#include "command/setup.h"
#include "config/reference/config_reference.h"
#include "scheduler/metric_catalog.h"
#include "web/web.h"

#include <string.h>

#define OUTPUT_LIMIT_BYTES ((size_t)4 << 20)
#define CELL_END           "|" /* of a Markdown table */

/* Each reference has a second form, which a flag chooses. */
struct reference {
    const char *command, *flag, *help;
    bool (*write)(bool second_form, struct buf *out, struct error *err);
};

struct reference_options {
    bool second_form, help;
};

/* ---- metrics --------------------------------------------------------------------------------- */

const char command_metrics_text[] =
    "Explains every metric of this build, each with an example query. A running exporter shows the "
    "same at /metrics-help.";

static void print_text(const struct metric_catalog *list, struct buf *out)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct metric_family *family = list->families[i];
        buf_append_str(out, family->name);
        family_labels(family, out);
        buf_printf(out, "  (%s%s%s)\n    %s\n    ", family_type_name(family),
                   *family_unit(family) ? ", " : "", family_unit(family), family->help);
        family_query(family, out);
        buf_append_str(out, "\n\n");
    }
    buf_append_str(out, "P stands for the labels probe, operation, engine, registry.\n");
}

static void print_markdown(const struct metric_catalog *list, struct buf *out)
{
    int group = -1;

    for (size_t i = 0; i < list->count; i++) {
        const struct metric_family *family = list->families[i];
        if ((int)family_group(family) != group) {
            group = (int)family_group(family);
            buf_printf(out, "%s### %s\n\n| metric | type | meaning |\n|---|---|---|\n",
                       i > 0 ? "\n" : "", family_group_name((enum family_group)group));
        }
        buf_printf(out, "| `%s", family->name);
        family_labels(family, out);
        buf_printf(out, "` | %s | ", family_type_name(family));
        buf_append_escaped(out, family->help, CELL_END);
        buf_append_str(out, " |\n");
    }
}

static bool write_metrics(bool markdown, struct buf *out, struct error *err)
{
    CLEANUP(metric_catalog_deinit) struct metric_catalog list = {0};

    if (!metric_catalog_init(&list, web_tables, err))
        return false;
    if (markdown)
        print_markdown(&list, out);
    else
        print_text(&list, out);
    return true;
}

static const struct reference metrics = {
    "metrics", "markdown",
    "Print the tables of docs/metrics.md instead of text with example queries.", write_metrics};

/* ---- config ---------------------------------------------------------------------------------- */

const char command_config_text[] =
    "Explains every key of the configuration file with its type, its default and an example, as "
    "Markdown. To check a file, use containerd_exporter --config.check --config.file=FILE.";

static bool write_keys(bool json, struct buf *out, struct error *err)
{
    (void)err;
    if (json)
        config_reference_json(&setup_schema, out);
    else
        config_reference_markdown(&setup_schema, out);
    return true;
}

static const struct reference keys = {"config", "json-schema",
                                      "Print a JSON schema for editors instead.", write_keys};

/* ---- Both ------------------------------------------------------------------------------------ */

static void make_flags(const struct reference *reference, struct reference_options *options,
                       struct flag flags[COMMAND_FLAGS_MAX])
{
    const struct flag table[] = {
        {"help", FLAG_ACTION, &options->help, NULL, "Show this help.", .letter = 'h'},
        {reference->flag, FLAG_ACTION, &options->second_form, NULL, reference->help},
        {0},
    };

    memcpy(flags, table, sizeof(table));
}

static void visit_flags(const struct reference *reference,
                        void (*visit)(void *arg, const struct flag *flags), void *arg)
{
    struct reference_options options = {0};
    struct flag flags[COMMAND_FLAGS_MAX];

    make_flags(reference, &options, flags);
    visit(arg, flags);
}

void command_metrics_flags(void (*visit)(void *arg, const struct flag *flags), void *arg)
{
    visit_flags(&metrics, visit, arg);
}

void command_config_flags(void (*visit)(void *arg, const struct flag *flags), void *arg)
{
    visit_flags(&keys, visit, arg);
}

static bool print(const struct reference *reference, bool second_form, struct error *err)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUTPUT_LIMIT_BYTES);

    return reference->write(second_form, &out, err) && command_print(&out, err);
}

static int run(const struct reference *reference, int argc, char **argv)
{
    const struct command *self = command_find(reference->command);
    struct reference_options options = {0};
    struct flag flags[COMMAND_FLAGS_MAX];
    struct error err;

    make_flags(reference, &options, flags);
    if (!flags_parse(flags, argc, argv, &err) ||
        (!options.help && !print(reference, options.second_form, &err))) {
        command_print_error(self, &err);
        return EXIT_FAILURE;
    }
    if (options.help)
        command_help(self);
    return EXIT_SUCCESS;
}

int command_metrics(int argc, char **argv)
{
    return run(&metrics, argc, argv);
}

int command_config(int argc, char **argv)
{
    return run(&keys, argc, argv);
}
