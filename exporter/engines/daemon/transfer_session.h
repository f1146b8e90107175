/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by pulls and pushes through containerd's transfer service: what a daemon supports, and the
 * request to it. */
#ifndef ENGINES_DAEMON_TRANSFER_SESSION_H
#define ENGINES_DAEMON_TRANSFER_SESSION_H

#include "containerd/transfer/transfer.h"
#include "engines/engine.h"

struct transfer_session {
    const char *version;
    const struct transfer_rules *rules;
};

/* Returns ERROR_UNSUPPORTED for a request that this daemon would not execute correctly. The
 * session's text is in `arena`. */
bool transfer_session_init(struct transfer_session *daemon, const struct engine_request *request,
                           struct arena *arena, struct cancel *cancel,
                           struct error *err) MUST_CHECK;

/* For struct engine. */
bool transfer_session_offered(const struct engine_request *request, struct cancel *cancel,
                              struct error *err);

/* Returns a transfer between the request's reference and the image record of the same name,
 * without callbacks and without unpacking. The caller must check arena_ok() afterwards. */
struct transfer transfer_of_request(const struct engine_request *request, struct arena *arena);

#endif
