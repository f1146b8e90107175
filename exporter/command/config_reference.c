/* SPDX-License-Identifier: Apache-2.0 */
/* Prints every key of the configuration file as Markdown tables or as a JSON schema. */
#include "command/command.h"

#include "command/setup.h"
#include "config/reference/config_reference.h"

#include <string.h>

#define OUTPUT_LIMIT_BYTES ((size_t)4 << 20)

struct reference_options {
    bool json, help;
};

const char command_config_text[] =
    "Explains every key of the configuration file with its type, its default and an example, as "
    "Markdown. To check a file, use containerd_exporter --config.check --config.file=FILE.";

static void make_flags(struct reference_options *options, struct flag flags[COMMAND_FLAGS_MAX])
{
    const struct flag table[] = {
        {"help", FLAG_ACTION, &options->help, NULL, "Show this help.", .letter = 'h'},
        {"json-schema", FLAG_ACTION, &options->json, NULL,
         "Print a JSON schema for editors instead."},
        {0},
    };

    memcpy(flags, table, sizeof(table));
}

void command_config_flags(void (*visit)(void *arg, const struct flag *flags), void *arg)
{
    struct reference_options options = {0};
    struct flag flags[COMMAND_FLAGS_MAX];

    make_flags(&options, flags);
    visit(arg, flags);
}

static bool run(const struct reference_options *options, struct error *err)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUTPUT_LIMIT_BYTES);

    if (options->json)
        config_reference_json(&setup_schema, &out);
    else
        config_reference_markdown(&setup_schema, &out);
    return command_print(&out, err);
}

int command_config(int argc, char **argv)
{
    const struct command *self = command_find("config");
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
