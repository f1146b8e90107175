/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole push by any engine: the check of the target, the push, the pull of what was pushed, and
 * the clean-up of the registry.
 *
 * The image is read back after the clean-up of the engine, so that no daemon has its blobs, and by
 * digest, so that no other image is read. It is not unpacked: that would measure the node.
 */
#pragma once

#include "engines/engine.h"

struct push_run {
    const struct engine *engine;
    const struct engine *read_back; /* an engine that pulls; NULL: the image is not read back */
    bool delete_remote;
};

/* result->seconds covers push and read-back. The clean-up of the registry comes last, also after a
 * failure; it never removes what existed before. */
bool push_run_execute(const struct push_run *push_run, const struct engine_request *request,
                      struct engine_result *result, struct cancel *cancel,
                      struct error *err) MUST_CHECK;
