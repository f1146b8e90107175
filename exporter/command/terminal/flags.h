/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command line flags, as users of Prometheus' exporters know them: --name=value,
 * --name value, --switch, --no-switch. A table says what there is; command/terminal/help.h
 * tells people.
 */
#ifndef COMMAND_TERMINAL_FLAGS_H
#define COMMAND_TERMINAL_FLAGS_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdint.h>

#define FLAG_VALUES_MAX 64
#define ARGUMENTS_MAX   512

enum flag_type {
    FLAG_HEADING, /* not a flag: the title of those that follow */
    FLAG_ACTION,  /* bool: asks to be shown something, and has no opposite */
    FLAG_SWITCH,  /* bool; also =on, =off */
    FLAG_STATE,   /* enum flag_state: a switch of which it counts whether it was given */
    FLAG_STRING,  /* const char * */
    FLAG_CHOICE,  /* const char *, one of `choices` */
    FLAG_UINT,    /* uint64_t */
    FLAG_LIST,    /* struct flag_list; repeatable */
    FLAG_WORDS,   /* struct flag_list: not a flag either, but where words go that are none */
};

enum flag_state {
    FLAG_UNSET,
    FLAG_ON,
    FLAG_OFF,
};

struct flag_list {
    const char *items[FLAG_VALUES_MAX];
    size_t count;
};

struct flag {
    const char *name; /* without dashes; NULL ends a table */
    enum flag_type type;
    void *value; /* holds the default before flags_parse() */
    const char *placeholder;
    const char *help;
    const char *const *choices; /* ends with NULL */
    char letter;                /* the same with one dash; 0: none */
};

/* A command line, argv[0] first. */
struct arguments {
    char *items[ARGUMENTS_MAX + 1]; /* ends with NULL */
    int count;
};

/* Copies argv, and for "@file" the lines of that file, each one argument, instead; those that begin
 * with "#" and empty ones are left out. Lines live in `arena`. */
bool arguments_expand(struct arguments *arguments, int argc, char **argv, struct arena *arena,
                      struct error *err) MUST_CHECK;

/* Values point into argv. What is not in the table is an error. */
bool flags_parse(const struct flag *flags, int argc, char **argv, struct error *err) MUST_CHECK;

/* Whether it has a name to be given by, with one dash or two. */
bool flag_is_flag(const struct flag *flag);

/* Whether it may stand without a value; and whether with "no-" before its name. */
bool flag_is_switch(const struct flag *flag);
bool flag_is_negatable(const struct flag *flag);

#endif
