/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole push, of whatever engine: whose tag it is, the push itself, the pull of what was pushed,
 * and what is removed from the registry.
 *
 * The image is read back after the engine has cleaned up, so that no daemon holds its blobs any
 * more, and by digest, so that it is this image and no other. Nothing is unpacked: that would
 * measure the node.
 */
#ifndef ENGINES_IMAGE_PUSH_RUN_H
#define ENGINES_IMAGE_PUSH_RUN_H

#include "engines/engine.h"

struct push_run {
    const struct engine *engine;
    const struct engine *read_back; /* one that pulls; NULL: it is not read back */
    bool delete_remote;
};

/* result->seconds is push and read-back. The clean-up of the registry comes last, whatever failed
 * before; it never takes what was there without us. */
bool push_run_execute(const struct push_run *push_run, const struct engine_request *request,
                      struct engine_result *result, struct cancel *cancel,
                      struct error *err) MUST_CHECK;

#endif
