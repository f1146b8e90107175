/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of commands, and how a command prints its help and its errors.
 *
 * The first row has an empty name: it is the exporter itself.
 */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include "command/terminal/flags.h"

#define COMMAND_FLAGS_MAX 80

struct command {
    const char *name;      /* "" for the exporter itself; NULL ends the table */
    const char *arguments; /* for the usage line */
    const char *summary;   /* a short sentence for the list of commands */
    const char *text;      /* paragraphs for --help and the manual page */
    /* Calls visit() with the table of flags, which holds the defaults. */
    void (*flags)(void (*visit)(void *arg, const struct flag *flags), void *arg);
    int (*run)(int argc, char **argv); /* argv[0] is the name of the command */
};

extern const struct command commands[];

/* Returns the command of that name, or NULL. */
const struct command *command_find(const char *name);

/* Prints the help on standard output. */
void command_help(const struct command *command);

/* Writes the buffer to standard output. Fails if the buffer has failed. */
bool command_print(const struct buf *out, struct error *err) MUST_CHECK;

/* Prints "containerd_exporter check: error: ..." on standard error. */
void command_print_error(const struct command *command, const struct error *err);

#endif
