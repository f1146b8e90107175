/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image in containerd that no probe made, as it is pushed: one platform's manifest. A registry
 * refuses an index of which entries are missing, so the index is not pushed.
 */
#pragma once

#include "engines/daemon/workspace.h"

struct daemon_image {
    struct scope scope; /* the namespace of the image, which is only read */
    struct arena arena;
    struct descriptor descriptor; /* of the manifest */
    struct buf body;
    struct manifest manifest;
};

/* Finds request->push.content.image in its namespace, for request->platform. Returns
 * ERROR_NOT_FOUND if the image does not exist or has no manifest for the platform. The caller must
 * call daemon_image_deinit() in any case. */
bool daemon_image_find(struct daemon_image *image, const struct engine_request *request,
                       struct cancel *cancel, struct error *err) MUST_CHECK;
void daemon_image_deinit(struct daemon_image *image);

/* For struct engine: only the digest of the manifest. */
bool daemon_image_identify(const struct engine_request *request, char digest[DIGEST_TEXT_BYTES],
                           struct cancel *cancel, struct error *err);

/* Fills digests, media type and declared bytes of *result. */
void daemon_image_report(const struct daemon_image *image, struct engine_result *result);

/* Shares all blobs with the workspace, from where the daemon can push them. The registry may mount
 * blobs from request->push.mount_from only. */
bool daemon_image_share(const struct daemon_image *image, const struct workspace *workspace,
                        const struct engine_request *request, struct cancel *cancel,
                        struct error *err) MUST_CHECK;
