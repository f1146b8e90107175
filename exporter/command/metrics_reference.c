/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the catalog of metrics as text or as Markdown tables. */
#include "command/command.h"

#include "scheduler/metric_catalog.h"
#include "web/web.h"

#include <string.h>

#define OUTPUT_LIMIT_BYTES ((size_t)4 << 20)

struct reference_options {
    bool markdown, help;
};

const char command_metrics_text[] =
    "Explains every metric of this build, each with an example query. A running exporter shows the "
    "same at /metrics-help.";

static void make_flags(struct reference_options *options, struct flag flags[COMMAND_FLAGS_MAX])
{
    const struct flag table[] = {
        {"help", FLAG_ACTION, &options->help, NULL, "Show this help.", .letter = 'h'},
        {"markdown", FLAG_ACTION, &options->markdown, NULL,
         "Print the tables of docs/metrics.md instead of text with example queries."},
        {0},
    };

    memcpy(flags, table, sizeof(table));
}

void command_metrics_flags(void (*visit)(void *arg, const struct flag *flags), void *arg)
{
    struct reference_options options = {0};
    struct flag flags[COMMAND_FLAGS_MAX];

    make_flags(&options, flags);
    visit(arg, flags);
}

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

/* Escapes the bar, which would end the cell. */
static void print_cell(const char *text, struct buf *out)
{
    for (; *text; text++) {
        if (*text == '|')
            buf_append_char(out, '\\');
        buf_append_char(out, *text);
    }
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
        print_cell(family->help, out);
        buf_append_str(out, " |\n");
    }
}

static bool run(const struct reference_options *options, struct error *err)
{
    CLEANUP(metric_catalog_deinit) struct metric_catalog list = {0};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUTPUT_LIMIT_BYTES);

    if (!metric_catalog_init(&list, web_tables, err))
        return false;
    if (options->markdown)
        print_markdown(&list, &out);
    else
        print_text(&list, &out);
    return command_print(&out, err);
}

int command_metrics(int argc, char **argv)
{
    const struct command *self = command_find("metrics");
    struct reference_options options = {0};
    struct flag flags[COMMAND_FLAGS_MAX];
    struct error err;

    make_flags(&options, flags);
    if (!flags_parse(flags, argc, argv, &err) || (!options.help && !run(&options, &err))) {
        command_print_error(self, &err);
        return EXIT_FAILURE;
    }
    if (options.help)
        command_help(self);
    return EXIT_SUCCESS;
}
