/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The namespace and the lease in which a probe works inside containerd.
 *
 * Two runs of one probe do not overlap: those of another process are waited for (run_claim.h). So
 * whatever the namespace holds at the start of a run was left by a run that was killed, and is
 * removed first. A label of the namespace has the time after which any probe may remove it.
 */
#pragma once

#include "engines/daemon/run_claim.h"
#include "engines/engine.h"

#define WORKSPACE_NAME_BYTES 96
#define WORKSPACE_REF_BYTES  ((size_t)256)

#define WORKSPACE_SNAPSHOTTER_BYTES 128

struct workspace {
    struct scope scope; /* namespace and lease, for all calls of the run */
    char snapshotter[WORKSPACE_SNAPSHOTTER_BYTES]; /* that the run uses */
    char name_space[WORKSPACE_NAME_BYTES];
    char lease[WORKSPACE_NAME_BYTES];
    struct run_claim claim;
    bool touched; /* there may be something to remove */
};

/* For struct engine: whether containerd is serving. */
bool workspace_offered(const struct engine_request *request, struct cancel *cancel,
                       struct error *err) MUST_CHECK;

/* Waits for a run of the same probe in another process, removes what a killed one has left, and
 * creates the namespace: without a lease, for engines that work elsewhere in the daemon. Whether it
 * succeeds or not, workspace_close() must follow. */
bool workspace_claim(struct workspace *workspace, const struct engine_request *request,
                     struct cancel *cancel, struct error *err) MUST_CHECK;

/* The same with a lease. */
bool workspace_open(struct workspace *workspace, const struct engine_request *request,
                    struct cancel *cancel, struct error *err) MUST_CHECK;

/* The reference under which the daemon keeps a blob that is being written. */
void workspace_ref(const struct workspace *workspace, const char *digest,
                   char ref[WORKSPACE_REF_BYTES]);

/* Stores a document. */
bool workspace_put(const struct workspace *workspace, const struct descriptor *document,
                   const struct buf *body, const struct labels *labels, struct cancel *cancel,
                   struct error *err) MUST_CHECK;

/* Removes the namespace with its content. Has a deadline of its own, because that of the run may
 * have passed; a short one if the run was canceled. Measures PHASE_CLEANUP and reports failures in
 * *result. */
void workspace_close(struct workspace *workspace, struct cancel *run_cancel,
                     struct engine_result *result);
