/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command line flags in the syntax of Prometheus exporters: --name=value, --name value, --switch,
 * --no-switch. A table describes the flags; command/terminal/help.h prints it.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

#include <stdint.h>

#define FLAG_VALUES_MAX 64
#define ARGUMENTS_MAX   512

enum flag_type {
    FLAG_HEADING, /* not a flag: the title of the flags that follow */
    FLAG_ACTION,  /* bool without a negation: prints something */
    FLAG_SWITCH,  /* bool; accepts --name, --no-name, =on, =off */
    FLAG_STATE,   /* enum flag_state: a switch that may be unset */
    FLAG_STRING,  /* const char * */
    FLAG_CHOICE,  /* const char *, one of `choices` */
    FLAG_UINT,    /* uint64_t */
    FLAG_LIST,    /* struct flag_list; repeatable */
    FLAG_WORDS,   /* struct flag_list: not a flag; receives the positional arguments */
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
    char letter;                /* the short form, as in -h; 0: none */
};

/* A command line, argv[0] first. */
struct arguments {
    char *items[ARGUMENTS_MAX + 1]; /* ends with NULL */
    int count;
};

/* Copies argv and replaces each "@file" by the lines of that file, one argument per line. Empty
 * lines and lines that begin with "#" are skipped. The lines live in `arena`. */
bool arguments_expand(struct arguments *arguments, int argc, char **argv, struct arena *arena,
                      struct error *err) MUST_CHECK;

/* Values point into argv. A flag that is not in the table is an error. */
bool flags_parse(const struct flag *flags, int argc, char **argv, struct error *err) MUST_CHECK;

/* Whether the row is a flag, not a heading or a positional argument. */
bool flag_is_flag(const struct flag *flag);

/* Whether the flag may be given without a value, and whether --no-NAME exists. */
bool flag_is_switch(const struct flag *flag);
bool flag_is_negatable(const struct flag *flag);

/* Returns the flag whose name is the first `length` bytes of `name`, or NULL. */
const struct flag *flag_find(const struct flag *flags, const char *name, size_t length);
