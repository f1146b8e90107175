/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who else is at a repository in a Docker engine: other probes of ours take named_locks, those of
 * other processes are known by the marks that they leave in the engine. What a crash has left
 * behind such a mark is removed here.
 */
#ifndef ENGINES_DAEMON_DOCKER_NEIGHBOURS_H
#define ENGINES_DAEMON_DOCKER_NEIGHBOURS_H

#include "base/named_lock.h"
#include "engines/engine.h"

struct docker_neighbours {
    char volume[ENGINE_TEXT_BYTES];       /* the name of our own mark */
    const struct engine_request *request; /* private, from here on */
    struct docker_client *client;
    struct arena *arena;
    struct turn lock;
};

/* Waits until nobody else is at the same repository, and removes what an interrupted run of this
 * probe has left (or of any, if that is long ago). Client and arena outlive it. */
bool docker_neighbours_begin(struct docker_neighbours *neighbours,
                             const struct engine_request *request, struct docker_client *client,
                             struct arena *arena, struct cancel *cancel,
                             struct error *err) MUST_CHECK;

/* Also after a begin that failed: the next may come. */
void docker_neighbours_end(struct docker_neighbours *neighbours);

/* Whether one of Docker's short names is of the probe's repository; *parsed is in `arena`. */
bool docker_name_is_probes(const struct engine_request *request, const char *name,
                           struct reference *parsed, struct arena *arena);

#endif
