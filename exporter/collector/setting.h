/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Describes one key of a section of the configuration file.
 *
 * config/settings.c checks the values of a section by a table of settings and stores each at
 * `offset` in a struct. A dotted name is nested: "auth.username" is the key `username` of the
 * mapping `auth`. Strings and lists are in the arena of the job (or of the configuration, for
 * global sections).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum setting_type {
    SETTING_STRING,   /* const char *; never NULL once filled */
    SETTING_SECRET,   /* the same; never printed */
    SETTING_BOOL,     /* bool */
    SETTING_UINT,     /* uint64_t */
    SETTING_DURATION, /* "30s", "5m" into int64_t nanoseconds */
    SETTING_BYTES,    /* "64MiB" into uint64_t */
    SETTING_ENUM,     /* unsigned: index into `choices` */
    SETTING_LIST,     /* struct setting_list: a sequence of strings */
    SETTING_MAP,      /* struct setting_map: a mapping of strings, in the order of the file */
};

/* Of the settings of a registry's credentials. An entry of `registries:` that has none of them
 * takes the shared ones of the entry "*". */
enum setting_credentials {
    CREDENTIALS_NONE, /* the setting is about something else */
    CREDENTIALS_OWN,  /* a password must not reach a host that it was not meant for */
    CREDENTIALS_SHARED,
};

struct setting_list {
    const char *const *items;
    size_t count;
};

struct setting_map {
    const char *const *names;
    const char *const *values;
    size_t count;
};

struct setting {
    enum setting_type type;
    const char *name; /* NULL ends a table */
    size_t offset;
    const char *fallback; /* as written in the file, a list as "[a, b]"; NULL: required, must not
                           * be empty; "": empty or 0 */
    const char *help;     /* a sentence for the reference, the schema and messages */
    const char *const *choices; /* of SETTING_ENUM, ends with NULL */
    const char *const *words;   /* of SETTING_STRING: all values that are valid; NULL: any */
    const char *example;        /* as written in the file; NULL: made from type and fallback */
    enum setting_credentials credentials;
    bool not_in_defaults; /* of one probe or of one registry: not allowed in `defaults:` */
};

/* SETTING(SETTING_STRING, struct pull, image, "image", NULL, "Reference of the image.",
 *         .example = "registry.example/base:1") */
#define SETTING(type, structure, member, name, fallback, help, ...)                     \
    {                                                                                   \
        (type), (name), offsetof(structure, member), (fallback), (help), 0, __VA_ARGS__ \
    }
#define SETTING_CHOICE(structure, member, name, choices, fallback, help, ...)             \
    {                                                                                     \
        SETTING_ENUM, (name), offsetof(structure, member), (fallback), (help), (choices), \
            __VA_ARGS__                                                                   \
    }

/* A list of tables that ends with NULL: SETTINGS(probe_settings, settings). */
#define SETTINGS(...)               \
    (const struct setting *const[]) \
    {                               \
        __VA_ARGS__, NULL           \
    }
