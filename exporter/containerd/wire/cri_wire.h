/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of CRI. */
#pragma once

#include "containerd/cri/cri.h"
#include "containerd/cri/cri_pull.h"

void cri_wire_status_verbose(struct buf *out);
/* Reads the conditions; does not touch status->sandbox_image. *config is the daemon's configuration
 * as JSON, or NULL. It lives in the arena, so that the caller can wipe it. */
bool cri_wire_status(const struct buf *message, struct arena *arena, struct cri_status *status,
                     char **config, struct error *err) MUST_CHECK;

containerd_decode cri_wire_images; /* struct cri_images */

/* const char *: the first image file system, or "". */
containerd_decode cri_wire_image_root;

/* A request with nothing but an image (ImageStatus, RemoveImage). */
void cri_wire_image(struct buf *out, const char *image);
containerd_decode cri_wire_presence; /* struct cri_presence; the reply to ImageStatus */
containerd_decode cri_wire_names;    /* struct cri_names; likewise */

void cri_wire_pull(struct buf *out, const struct cri_pull_request *request);
containerd_decode cri_wire_pulled; /* const char *: the image id */
