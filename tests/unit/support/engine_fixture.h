/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The surroundings of an engine: a registry, a containerd and a Docker engine inside the test,
 * which share one call log, and a request that names them.
 */
#ifndef TESTS_ENGINE_FIXTURE_H
#define TESTS_ENGINE_FIXTURE_H

#include "docker/docker.h"
#include "engines/engines.h"
#include "engines/image/push_target.h"
#include "engines/image/upload.h"
#include "support/fake_containerd.h"
#include "support/fake_docker.h"
#include "support/fake_registry.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PROBE_SPACE "containerd-exporter.p" /* namespace and lease of the probe "p" */
#define REPOSITORY  "a/b"
#define TAG         "1"

struct engine_world {
    struct call_log log;
    struct fake_containerd *containerd;
    struct fake_docker docker;
    struct fake_registry registry;
    struct fake_image image; /* two layers, below an index; at the registry as REPOSITORY:TAG */
    struct fake_image other; /* another one, which no server has */
    struct credentials credentials; /* anonymous */
    struct arena arena;
    struct engine_request request;
    struct engine_result result;
    struct upload_sent sent;
    struct cancel cancel;
    struct error err;
    char name[256]; /* "127.0.0.1:PORT/a/b:1" */
};

/* For cmocka's group: starts and stops the servers, once. Aborts on failure. */
int engine_world_start(void **state);
int engine_world_stop(void **state);
struct engine_world *engine_world(void);

/* For cmocka's tests: forgets everything but the servers; *state is the world. */
int engine_world_reset(void **state);

/* request.reference of the registry. */
void engine_world_refer(struct engine_world *world, const char *object);

/* Clears error and result, and runs. */
bool engine_world_run(struct engine_world *world, const char *operation, const char *name);

/* The state of all servers. */
void engine_world_dump(struct engine_world *world, struct buf *out);

/* The state is the same as `before`; else the test fails with both. */
void engine_world_assert_state(struct engine_world *world, const struct buf *before);

struct failure_plan {
    const char *operation, *name;
    void (*prepare)(struct engine_world *world); /* after each reset; NULL: nothing */
    bool pushes;                  /* after each run the registry is cleaned, as a probe does */
    bool late;                    /* the calls take effect and then fail */
    const char *const *tolerated; /* calls whose failure does not fail the run; NULL ends them */
    const char *const *kept; /* after a failed call that begins so, state may be left, which the
                              * next run removes; NULL ends them, or is none */
};

/* Runs once for each call of a run, and lets that call fail. Asserts that the run returns false
 * with a reason, or that the call is tolerated; and that the state is as before, or that clean-up
 * has failed, with a reason, and the next run makes the state as before. */
void engine_world_fail_each_call(struct engine_world *world, const struct failure_plan *plan);

/* Runs once for each call of a run, and cancels the run at that call. Asserts the same. */
void engine_world_cancel_at_each_call(struct engine_world *world, const struct failure_plan *plan);

#endif
