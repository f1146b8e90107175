/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all commands have in common: a row of the table of commands, and how they talk to a person.
 *
 * The first row has no name: it is the exporter itself.
 */
#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include "command/terminal/flags.h"

#define COMMAND_FLAGS_MAX 80

struct command {
    const char *name;      /* "" for the exporter itself; NULL ends the table */
    const char *arguments; /* as the first line of its help has them */
    const char *summary;   /* of a few words, for the list of commands */
    const char *text;      /* paragraphs */
    /* Shows its table of flags, with their defaults. */
    void (*flags)(void (*visit)(void *arg, const struct flag *flags), void *arg);
    int (*run)(int argc, char **argv); /* argv[0] is the command */
};

extern const struct command commands[];

/* NULL: there is none of that name. */
const struct command *command_find(const char *name);

/* On standard output. */
void command_help(const struct command *command);

/* "containerd_exporter check: error: ...", on standard error. */
void command_complain(const struct command *command, const struct error *err);

#endif
