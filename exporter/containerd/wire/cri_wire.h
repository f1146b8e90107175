/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of CRI. */
#ifndef CONTAINERD_WIRE_CRI_WIRE_H
#define CONTAINERD_WIRE_CRI_WIRE_H

#include "containerd/cri/cri.h"
#include "containerd/cri/cri_pull.h"

void cri_wire_status_verbose(struct buf *out);
/* The conditions, with status->sandbox_image left alone; *config is the daemon's configuration as
 * JSON, or NULL: it lies in the arena, so that it can be wiped. */
bool cri_wire_status(const struct buf *message, struct arena *arena, struct cri_status *status,
                     char **config, struct error *err) MUST_CHECK;

bool cri_wire_images(const struct buf *message, struct arena *arena, struct cri_images *images,
                     struct error *err) MUST_CHECK;

void cri_wire_image_status(struct buf *out, const char *image);
bool cri_wire_presence(const struct buf *message, struct arena *arena,
                       struct cri_presence *presence, struct error *err) MUST_CHECK;

/* A request that is nothing but an image (ImageStatus, RemoveImage) is cri_wire_image_status(). */
void cri_wire_pull(struct buf *out, const struct cri_pull_request *request);
bool cri_wire_pulled(const struct buf *message, struct arena *arena, const char **image_id,
                     struct error *err) MUST_CHECK;
/* names->id is NULL where there is no such image. */
bool cri_wire_names(const struct buf *message, struct arena *arena, struct cri_names *names,
                    struct error *err) MUST_CHECK;

#endif
