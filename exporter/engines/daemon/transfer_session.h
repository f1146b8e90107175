/* SPDX-License-Identifier: Apache-2.0 */
/* What pulls and pushes by containerd's Transfer service have in common: which daemons are asked
 * for what, and how a request is put to them. */
#ifndef ENGINES_DAEMON_TRANSFER_SESSION_H
#define ENGINES_DAEMON_TRANSFER_SESSION_H

#include "containerd/transfer/transfer.h"
#include "engines/engine.h"

struct transfer_session {
    const char *version;
    const struct transfer_rules *rules;
};

/* ERROR_UNSUPPORTED for what this daemon would do wrong, or not at all. Text is in `arena`. */
bool transfer_session_init(struct transfer_session *daemon, const struct engine_request *request,
                           struct arena *arena, struct cancel *cancel,
                           struct error *err) MUST_CHECK;

/* For struct engine. */
bool transfer_session_offered(const struct engine_request *request, struct cancel *cancel,
                              struct error *err);

/* Between the request's reference and the image record of that name; nobody is told of it yet, and
 * nothing is unpacked. Ask arena_ok() after it. */
struct transfer transfer_of_request(const struct engine_request *request, struct arena *arena);

#endif
