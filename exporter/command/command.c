/* SPDX-License-Identifier: Apache-2.0 */
#include "command/command.h"

#include "command/options.h"
#include "command/terminal/help.h"

#include <stdio.h>
#include <string.h>

#define HELP_LIMIT_BYTES ((size_t)256 << 10)
#define NAME_WIDTH       10

const struct command commands[] = {
    {"", "[<flags>]", "",
     "Exports to Prometheus whether this node can pull and push container images, how long each "
     "step takes, why it failed, and whether the images in containerd are complete.",
     options_flags, command_exporter},
    {"check", "[<flags>]", "Check whether the images of all namespaces are complete.",
     command_check_text, command_check_flags, command_check},
    {"probe", "[<flags>] [<name>...]", "Run configured probes once and print the results.",
     command_probe_text, command_probe_flags, command_probe},
    {"health", "[<flags>]", "Ask the exporter on this machine whether it is healthy.",
     command_health_text, command_health_flags, command_health},
    {"metrics", "[<flags>]", "Explain every metric of this build.", command_metrics_text,
     command_metrics_flags, command_metrics},
    {"config", "[<flags>]", "Explain every key of the configuration file.", command_config_text,
     command_config_flags, command_config},
    {0},
};

const struct command *command_find(const char *name)
{
    for (const struct command *command = commands; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

static void append_flags(void *arg, const struct flag *flags)
{
    help_flags(flags, arg);
}

static void append_usage(const struct command *command, struct buf *out)
{
    buf_printf(out, "usage: containerd_exporter %s%s%s\n", command->name, *command->name ? " " : "",
               command->arguments);
    if (!*command->name)
        buf_append_str(out, "       containerd_exporter <command> [<flags>]\n");
}

static void append_commands(struct buf *out)
{
    buf_append_str(out, "\nCommands (each has its own --help):\n");
    for (const struct command *command = commands + 1; command->name; command++)
        buf_printf(out, "  %-*s%s\n", NAME_WIDTH, command->name, command->summary);
    buf_append_str(out, "\nAn argument @file is replaced by the lines of that file.\n");
}

void command_help(const struct command *command)
{
    CLEANUP(buf_deinit) struct buf help = BUF_INIT(HELP_LIMIT_BYTES);

    append_usage(command, &help);
    buf_append_char(&help, '\n');
    help_text(command->text, 0, &help);
    buf_append_char(&help, '\n');
    command->flags(append_flags, &help);
    if (!*command->name)
        append_commands(&help);
    fputs(help.data ? help.data : "", stdout);
}

bool command_print(const struct buf *out, struct error *err)
{
    if (!buf_ok(out, err))
        return false;
    return (fwrite(out->data ? out->data : "", 1, out->size, stdout) == out->size &&
            fflush(stdout) == 0) ||
           error_set(err, ERROR_INTERNAL, "cannot write to standard output");
}

void command_print_error(const struct command *command, const struct error *err)
{
    fprintf(stderr, "containerd_exporter%s%s: error: %s\n", *command->name ? " " : "",
            command->name, err->message);
}
