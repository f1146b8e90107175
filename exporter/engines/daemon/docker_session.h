/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe in a Docker engine that others use, too: what was there before, and leaving it so.
 *
 * Docker has no namespaces. What is ours is one name of an image; the image goes with it only if
 * its id was not there before. A mark in the engine tells the next start what a crash has left.
 */
#ifndef ENGINES_DAEMON_DOCKER_SESSION_H
#define ENGINES_DAEMON_DOCKER_SESSION_H

#include "docker/docker_images.h"
#include "engines/daemon/docker_neighbours.h"

struct docker_session {
    const struct engine_request *request;
    struct docker_client *client;
    struct arena *arena;
    const char *name;            /* of the image, as Docker is asked for it */
    bool was_there;              /* it stood for an image before: nothing is removed */
    struct docker_images before; /* private */
    struct docker_neighbours neighbours;
    bool marked, loads;
    bool
        load_pending; /* a load may come to its end after us: if it does not soon, the mark stays */
};

/* ERROR_UNSUPPORTED where no Docker is configured. */
struct docker_client *docker_session_connect(const struct engine_request *request,
                                             struct cancel *cancel, struct error *err);

/* For engines: whether there is a Docker. */
bool docker_session_offered(const struct engine_request *request, struct cancel *cancel,
                            struct error *err) MUST_CHECK;

/* Waits until no other session is at the same repository, removes what an interrupted run of this
 * probe has left (or of any, if that is long ago), and looks around. Client and arena outlive the
 * session. */
bool docker_session_begin(struct docker_session *session, const struct engine_request *request,
                          struct docker_client *client, struct arena *arena, struct cancel *cancel,
                          struct error *err) MUST_CHECK;

/* The image of that id as it was before; NULL if there was none. */
const struct docker_image *docker_session_find_before(const struct docker_session *session,
                                                      const char *id);

/* Whether such an image would keep all that it had if our name, added to it, went again. */
bool docker_session_name_is_removable(const struct docker_session *session,
                                      const struct docker_image *before);

/* Before a load: an image that a probe made, by our name, is one that an earlier load left, and
 * removed. What such loads left without a name goes at the end of the session. */
bool docker_session_claim(struct docker_session *session, struct cancel *cancel,
                          struct error *err) MUST_CHECK;

/* Notes it in the engine: from here on there may be something to remove. An engine that takes no
 * marks is visited without. */
bool docker_session_mark(struct docker_session *session, struct cancel *cancel,
                         struct error *err) MUST_CHECK;

/* The bytes of an image's layers that `stream` says were there. Where their sizes cannot be had
 * they count one byte each: it was not nothing. */
bool docker_session_existed(const struct docker_session *session,
                            const struct docker_stream *stream, bool highest_first, uint64_t *bytes,
                            struct cancel *cancel, struct error *err) MUST_CHECK;

/* Removes the name unless it was there, and digests that came with it, and takes the mark away.
 * `broken`: a pull or push was canceled, so that the daemon may not have given up yet. Measured,
 * and failures are in *result. */
void docker_session_end(struct docker_session *session, bool interrupted, struct cancel *run_cancel,
                        struct engine_result *result);

/* After all that, also after a begin that failed: the next may come. */
void docker_session_deinit(struct docker_session *session);

#endif
