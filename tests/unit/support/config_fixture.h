/* SPDX-License-Identifier: Apache-2.0 */
/* A schema of collectors that exist only here (two of the inventory, one of the scrape, two
 * operations of probes), and configurations that are parsed with it. */
#ifndef TESTS_CONFIG_FIXTURE_H
#define TESTS_CONFIG_FIXTURE_H

#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* An entry of `probes:`; the test appends keys. */
#define PROBE "probes:\n- {name: a, operation: pull, image: r/x, "

struct images {
    unsigned series;
    uint64_t max_series;
    struct setting_list namespaces, ignored;
    struct setting_map labels;
};

struct docker {
    const char *address;
};

struct probe {
    const char *image, *username, *password, *digest;
    uint64_t size, max_bytes;
    int64_t slow_ns;
    bool plain_http;
    unsigned cold;
    struct setting_map labels;
    const char *host; /* set by check() */
};

struct globals {
    const char *address;
    bool verbose;
};

extern const char *const cold_choices[]; /* of the setting `cold` */
extern const struct config_schema test_schema;

struct fixture {
    struct config config;
    struct buf problems;
    struct error err;
    bool ok;
};

void fixture_deinit(struct fixture *fixture);

/* Parses `text` with test_schema. parse_good() fails the test on a mistake. */
void parse(struct fixture *fixture, const char *text);
void parse_good(struct fixture *fixture, const char *text);

/* Returns the job of that name; fails the test if there is none. */
const struct config_job *job(const struct fixture *fixture, const char *name);

/* Sets the variables CONFIG_*; a group setup of cmocka. */
int set_environment(void **state);

#endif
