/* SPDX-License-Identifier: Apache-2.0 */
/* A client of a fake containerd, with what every call needs, for the tests of one module. */
#ifndef TESTS_CONTAINERD_FIXTURE_H
#define TESTS_CONTAINERD_FIXTURE_H

#include "containerd/containerd.h"
#include "support/fake_containerd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SPACE "k8s.io"

struct containerd_fixture {
    struct call_log log;
    struct fake_containerd *fake;
    struct containerd *daemon;
    struct scope scope; /* in SPACE */
    struct arena arena;
    struct cancel cancel;
    struct error err;
};

/* Setup and teardown of a group: one server for all of its tests. */
int containerd_fixture_open(void **state);
int containerd_fixture_close(void **state);

/* Setup of a test: an empty daemon with the namespace SPACE, an empty log. */
int containerd_fixture_reset(void **state);

/* The next call that begins like `method` fails with `status`. */
void containerd_fixture_fail(struct containerd_fixture *f, const char *method, int status);

/* Asserts that the calls since the last reset are exactly `lines`, each of which is a call and
 * "\n".
 */
void assert_calls(struct containerd_fixture *f, const char *lines);

#define TEST(name) cmocka_unit_test_setup(name, containerd_fixture_reset)
#define RUN(tests) cmocka_run_group_tests(tests, containerd_fixture_open, containerd_fixture_close)

#endif
