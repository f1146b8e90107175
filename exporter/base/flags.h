/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command line flags, as users of Prometheus' exporters know them: --name=value,
 * --name value, --switch, --no-switch. A table says what there is.
 */
#ifndef BASE_FLAGS_H
#define BASE_FLAGS_H

#include "base/buf.h"

#define FLAG_VALUES_MAX 16

enum flag_type {
    FLAG_SWITCH, /* bool */
    FLAG_STRING, /* const char * */
    FLAG_UINT,   /* uint64_t */
    FLAG_LIST,   /* struct flag_list; repeatable */
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
};

/* Values point into argv. What is no flag is an error. */
bool flags_parse(const struct flag *flags, int argc, char **argv, struct error *err) MUST_CHECK;

void flags_help(const struct flag *flags, const char *program, const char *summary,
                struct buf *out);

#endif
