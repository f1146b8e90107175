/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a probe works inside containerd: a namespace and a lease of its own.
 *
 * A probe never overlaps with itself, so whatever its namespace holds at the start
 * was left by a run that was killed, and is removed first. Namespaces of probes
 * that are no longer configured carry the time after which anybody may remove them.
 */
#ifndef ENGINES_DAEMON_WORKSPACE_H
#define ENGINES_DAEMON_WORKSPACE_H

#include "engines/engine.h"

#define WORKSPACE_NAME_BYTES 96

struct workspace {
    struct scope scope; /* namespace and lease: use it for everything */
    const char *snapshotter;
    char name_space[WORKSPACE_NAME_BYTES];
    char lease[WORKSPACE_NAME_BYTES];
    bool touched; /* something may be there to be removed */
};

/* Whether containerd serves: what an engine's `offered` says that needs nothing else. */
bool workspace_offered(const struct engine_request *request, struct cancel *cancel,
                       struct error *err) MUST_CHECK;

bool workspace_open(struct workspace *workspace, const struct engine_request *request,
                    struct cancel *cancel, struct error *err) MUST_CHECK;

/* Removes the namespace with all that is in it. Has a deadline of its own, since the run's may
 * have passed; a short one if the run was canceled. Measures and reports into *result. */
void workspace_close(struct workspace *workspace, struct cancel *run_cancel,
                     struct engine_result *result);

#endif
