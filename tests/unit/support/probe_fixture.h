/* SPDX-License-Identifier: Apache-2.0 */
/* A probe made from a configuration, whose engine is a fake that returns what the test has planned.
 */
#ifndef TESTS_PROBE_FIXTURE_H
#define TESTS_PROBE_FIXTURE_H

#include "collector/catalog.h"
#include "config/config.h"
#include "probe/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* The labels of each sample of the probe "a" with the fake engine. */
#define LABELS "probe=\"a\",operation=\"pull\",engine=\"fake\",registry=\"r.io\""

struct probe_fixture {
    struct config config;
    struct buf problems;
    struct node node;
    struct containerd *own_containerd; /* NULL: the node is the caller's */
    const struct collector *collector;
    struct probe *probe;
    struct cancel cancel;
    struct progress progress;
    struct run_record record;
    struct run run;
    struct snapshot *out; /* of the last run */
    struct error err;
};

/* What the fake engine returns, and a copy of its last request. */
extern struct engine_result planned_result;
extern struct error planned_error; /* ERROR_NONE: the engine succeeds */
extern struct engine_request seen_request;
extern char seen_name[128], seen_image[256];
extern unsigned engine_calls;

/* Parses `text`, opens the job "a" on a node called "Node-1" and gives it the fake engine. */
void probe_fixture_open(struct probe_fixture *f, const char *text);

/* The same on a node that the caller has filled, without the fake engine. */
void probe_fixture_open_on(struct probe_fixture *f, const char *text, const struct node *node);
void probe_fixture_close(struct probe_fixture *f);

/* Runs the probe once, with a fresh snapshot. */
bool probe_fixture_run(struct probe_fixture *f);

#endif
