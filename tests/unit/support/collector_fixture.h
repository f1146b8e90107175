/* SPDX-License-Identifier: Apache-2.0 */
/* A collector with default settings, on a node whose containerd is a fake. */
#ifndef TESTS_COLLECTOR_FIXTURE_H
#define TESTS_COLLECTOR_FIXTURE_H

#include "collector/collector.h"
#include "collector/node.h"
#include "support/containerd_fixture.h"
#include "support/snapshot_text.h"

struct collector_fixture {
    struct node node;
    const struct collector *collector;
    void *state;
    struct run run;
    struct snapshot *out; /* of the last run */
};

/* Opens the collector of that name. */
void collector_open(struct collector_fixture *trial, struct containerd_fixture *f,
                    const char *name);
void collector_close(struct collector_fixture *trial);

/* Runs it once, with a fresh snapshot. A failure is in f->err. */
bool collector_run(struct collector_fixture *trial, struct containerd_fixture *f);

/* Fails the test unless one run of the collector exports exactly `text`. */
void assert_exports(struct containerd_fixture *f, const char *name, const char *text);

#endif
