/* SPDX-License-Identifier: Apache-2.0 */
#include "command/command.h"

#include "command/check.h"
#include "command/exporter.h"
#include "command/metrics_reference.h"
#include "command/options.h"
#include "command/run_probe.h"
#include "command/terminal/help.h"

#include <stdio.h>
#include <string.h>

#define HELP_LIMIT_BYTES ((size_t)256 << 10)
#define NAME_WIDTH       10

const struct command commands[] = {
    {"", "[<flags>]", "",
     "Tells Prometheus whether this node can pull and push container images, how long each step "
     "takes, why it failed, and whether what containerd holds is whole.",
     options_flags, command_exporter},
    {"check", "[<flags>]", "Tell whether the images of all namespaces are whole.",
     command_check_text, command_check_flags, command_check},
    {"probe", "[<flags>] [<name>...]", "Run configured probes now, and tell how they went.",
     command_probe_text, command_probe_flags, command_probe},
    {"metrics", "[<flags>]", "Explain every metric of this build.", command_metrics_text,
     command_metrics_flags, command_metrics},
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
    buf_append_str(out, "\nCommands (each has a --help of its own):\n");
    for (const struct command *command = commands + 1; command->name; command++)
        buf_printf(out, "  %-*s%s\n", NAME_WIDTH, command->name, command->summary);
    buf_append_str(out, "\nAn argument @file stands for the lines of that file.\n");
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

void command_complain(const struct command *command, const struct error *err)
{
    fprintf(stderr, "containerd_exporter%s%s: error: %s\n", *command->name ? " " : "",
            command->name, err->message);
}
