/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by pulls and pushes through containerd's transfer service: what a daemon supports, the
 * request to it, and the frame of a run. */
#pragma once

#include "containerd/transfer/transfer.h"
#include "containerd/transfer/transfer_progress.h"
#include "engines/daemon/workspace.h"

struct transfer_session {
    const struct engine_request *request;
    struct engine_result *result;
    struct cancel *cancel;
    const struct transfer_rules *rules; /* of the daemon */
    struct workspace workspace;         /* `work` opens it */
    struct arena arena;
    struct transfer_progress progress;
    int64_t start_ns, ended_ns; /* of the daemon's work; `work` sets them */
};

/* Runs `work`, measures it by start_ns and ended_ns, and cleans up. Returns ERROR_UNSUPPORTED for a
 * request that this daemon would not execute correctly. */
bool transfer_session_run(const struct engine_request *request, struct engine_result *result,
                          struct cancel *cancel, struct error *err,
                          bool (*work)(struct transfer_session *session,
                                       struct error *err)) MUST_CHECK;

/* For struct engine. */
bool transfer_session_offered(const struct engine_request *request, struct cancel *cancel,
                              struct error *err);

/* Returns a transfer between the request's reference and the image record of the same name,
 * without unpacking, whose progress session->progress sums up. The caller must check arena_ok()
 * afterwards. */
struct transfer transfer_session_request(struct transfer_session *session);
