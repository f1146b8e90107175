/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image that containerd holds and that a probe did not make, as it is pushed: one platform's
 * manifest. An index may be there in part only, and a registry refuses such a one.
 */
#ifndef ENGINES_IMAGE_DAEMON_IMAGE_H
#define ENGINES_IMAGE_DAEMON_IMAGE_H

#include "engines/daemon/workspace.h"

struct daemon_image {
    struct scope scope; /* where it is; nothing is written there */
    struct arena arena;
    struct descriptor descriptor; /* of the manifest */
    struct buf body;
    struct manifest manifest;
};

/* request->push.content.image, of its namespace, for request->platform. ERROR_NOT_FOUND where there
 * is no such image, or nothing of it for the platform. To be deinit'ed in any case. */
bool daemon_image_find(struct daemon_image *image, const struct engine_request *request,
                       struct cancel *cancel, struct error *err) MUST_CHECK;
void daemon_image_deinit(struct daemon_image *image);

/* Only the manifest's digest: the way of engines to `identify`. */
bool daemon_image_identify(const struct engine_request *request, char digest[DIGEST_TEXT_BYTES],
                           struct cancel *cancel, struct error *err);

/* What the image is, into *result: digests, media type, declared bytes. */
void daemon_image_report(const struct daemon_image *image, struct engine_result *result);

/* Lets the workspace have all of it, so that the daemon can push it from there. A blob may be
 * mounted by the registry from request->push.mount_from, and from nowhere else. */
bool daemon_image_share(const struct daemon_image *image, const struct workspace *workspace,
                        const struct engine_request *request, struct cancel *cancel,
                        struct error *err) MUST_CHECK;

#endif
