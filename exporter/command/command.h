/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of commands, and how a command prints its help and its errors.
 *
 * The first row has an empty name: it is the exporter itself.
 */
#pragma once

#include "command/terminal/flags.h"

#define COMMAND_FLAGS_MAX 80

struct command {
    const char *name;      /* "" for the exporter itself; NULL ends the table */
    const char *arguments; /* for the usage line */
    const char *summary;   /* a short sentence for the list of commands */
    const char *text;      /* paragraphs for --help and the manual page */
    /* Calls visit() with the table of flags, which holds the defaults. */
    void (*flags)(void (*visit)(void *arg, const struct flag *flags), void *arg);
    /* argv[0] is the name of the command. Returns the exit status. */
    int (*run)(int argc, char **argv);
};

extern const struct command commands[];

/* The functions and texts of the rows: exporter.c, check.c, run_probe.c, health.c,
 * references.c. */
int command_exporter(int argc, char **argv);
int command_check(int argc, char **argv);
int command_probe(int argc, char **argv);
int command_health(int argc, char **argv);
int command_metrics(int argc, char **argv);
int command_config(int argc, char **argv);
void command_check_flags(void (*visit)(void *arg, const struct flag *flags), void *arg);
void command_probe_flags(void (*visit)(void *arg, const struct flag *flags), void *arg);
void command_health_flags(void (*visit)(void *arg, const struct flag *flags), void *arg);
void command_metrics_flags(void (*visit)(void *arg, const struct flag *flags), void *arg);
void command_config_flags(void (*visit)(void *arg, const struct flag *flags), void *arg);
extern const char command_check_text[], command_probe_text[], command_health_text[],
    command_metrics_text[], command_config_text[];

/* Returns the command of that name, or NULL. */
const struct command *command_find(const char *name);

void command_help(const struct command *command);

/* Writes the buffer to standard output. Fails if the buffer has failed. */
bool command_print(const struct buf *out, struct error *err) MUST_CHECK;

/* Prints "containerd_exporter check: error: ..." on standard error. */
void command_print_error(const struct command *command, const struct error *err);
