/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other probes of the same repository in one Docker engine. Probes of this process wait for a
 * named lock; those of other processes leave marks in the engine. A mark also names what an
 * interrupted run has left, which is removed here.
 */
#pragma once

#include "base/named_lock.h"
#include "engines/engine.h"

struct docker_neighbours {
    char volume[ENGINE_TEXT_BYTES];       /* the name of the mark of this probe */
    const struct engine_request *request; /* private, from here on */
    struct docker_client *client;
    struct arena *arena;
    struct named_lock lock;
};

/* Waits until no other probe uses the same repository, and removes what an interrupted run of this
 * probe has left, and what any run has left whose mark has expired. Client and arena must outlive
 * it. */
bool docker_neighbours_begin(struct docker_neighbours *neighbours,
                             const struct engine_request *request, struct docker_client *client,
                             struct arena *arena, struct cancel *cancel,
                             struct error *err) MUST_CHECK;

/* Releases the lock. Must be called also after docker_neighbours_begin() has failed. */
void docker_neighbours_end(struct docker_neighbours *neighbours);

/* Whether `name`, as Docker shortens it, belongs to the repository of the probe. *parsed is in
 * `arena`. */
bool docker_name_is_probes(const struct engine_request *request, const char *name,
                           struct reference *parsed, struct arena *arena);
