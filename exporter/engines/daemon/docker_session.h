/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of a probe in a Docker engine that other clients use, too. Docker has no namespaces. The
 * session owns one name of an image; it removes the image only if its id did not exist before. A
 * mark in the engine tells the next run what to remove if this process is killed.
 */
#pragma once

#include "docker/docker_images.h"
#include "engines/daemon/docker_neighbours.h"
#include "engines/daemon/workspace.h"

/* Large: must be allocated, not on the stack. */
struct docker_session {
    const struct engine_request *request;
    struct engine_result *result;
    struct cancel *cancel; /* of the run */
    struct docker_client *client;
    struct arena arena;
    struct docker_stream stream; /* of the pull or push */
    struct docker_image image;   /* that is pulled or pushed; the caller fills it */
    int64_t started_unix_ns;     /* of the pull */
    const char *name;            /* of the image, as requests to Docker name it */
    bool was_there;              /* the name existed before: the session removes nothing */
    struct docker_images before; /* private */
    struct docker_neighbours neighbours;
    struct workspace workspace; /* empty: it only tells other processes that the run is alive */
    bool containerd_store;      /* docker_has_containerd_store(), for pulls */
    bool marked, loads;
    bool keeps_name;   /* the removal would take names of other clients along: the name stays */
    bool load_pending; /* a load may finish after the session: if it does not finish soon, the mark
                          is kept */
};

/* Returns ERROR_UNSUPPORTED if no Docker is configured. */
struct docker_client *docker_session_connect(const struct engine_request *request,
                                             struct cancel *cancel, struct error *err);

/* For struct engine: whether Docker answers. */
bool docker_session_offered(const struct engine_request *request, struct cancel *cancel,
                            struct error *err) MUST_CHECK;

/* Connects, waits until no other probe uses the same repository, removes what an interrupted run of
 * this probe has left, and what any run has left whose mark has expired, and reads the state. */
struct docker_session *docker_session_new(const struct engine_request *request,
                                          struct engine_result *result, struct cancel *cancel,
                                          struct error *err);
void docker_session_free(struct docker_session *session);
DEFINE_CLEANUP(struct docker_session *, docker_session_free)

/* Reads the image that has the name of the session into session->image. */
bool docker_session_find(struct docker_session *session, bool *found, struct error *err) MUST_CHECK;

/* The image of that id as it was when the session began; NULL if there was none. */
const struct docker_image *docker_session_find_before(const struct docker_session *session,
                                                      const char *id);

/* Whether Docker would remove nothing else of the image if the name of the session were added to
 * it and removed again. */
bool docker_session_name_is_removable(const struct docker_session *session,
                                      const struct docker_image *before);

/* Must be called before a load. Removes a generated image of this name, which an earlier load has
 * left. docker_session_end() then also removes generated images without a name. */
bool docker_session_claim(struct docker_session *session, struct error *err) MUST_CHECK;

/* Creates the mark: from here on there may be something to remove. An engine without volumes works
 * without a mark. */
bool docker_session_mark(struct docker_session *session, struct error *err) MUST_CHECK;

/* Returns in *bytes the size of the layers that existed before, as the stream says; `highest_first`
 * for a push. If sizes are unknown, each layer of a pull counts as one byte, so that it is not
 * taken for cold, and of a push as none. */
bool docker_session_existed(const struct docker_session *session, bool highest_first,
                            uint64_t *bytes, struct error *err) MUST_CHECK;

/* Removes the name unless it existed before, the digests that came with it, and then the mark.
 * `interrupted`: a pull or push did not succeed, so the daemon may still be executing it. Measures
 * PHASE_CLEANUP and reports failures in the result. */
void docker_session_end(struct docker_session *session, bool interrupted);
