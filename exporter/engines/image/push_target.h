/* SPDX-License-Identifier: Apache-2.0 */
/* The tag that a push writes: who owns it before the push, and its clean-up afterwards. */
#pragma once

#include "engines/engine.h"

/* Call it before a push, whichever engine sends. Returns ERROR_INVALID if the tag holds an image
 * that no probe made, unless its digest is `digest` (of the manifest or of the configuration; "" if
 * the caller knows none) or request->push.last_digest, or request->push.overwrite is set. Asks the
 * host that takes pushes. */
bool push_target_check(const struct engine_request *request, const char *digest,
                       struct cancel *cancel, struct error *err) MUST_CHECK;

/* Call it after a push, also after one that failed. Removes from the registry the manifests that
 * result->digest names, then their blobs and those in request->sent, as far as the registry allows.
 * The caller must know that all of them came from this probe. Asks for the tag
 * afterwards, and deletes it by its name if it stays. Leftovers set
 * result->cleanup_failed; blobs of a registry that has deleted their manifest but deletes no blobs
 * are no leftovers. Belongs to PHASE_CLEANUP and has a deadline of its own. */
void push_target_clean(const struct engine_request *request, struct engine_result *result,
                       struct cancel *run_cancel);
