/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Images service. */
#ifndef CONTAINERD_WIRE_IMAGES_WIRE_H
#define CONTAINERD_WIRE_IMAGES_WIRE_H

#include "containerd/images.h"

containerd_decode images_wire_list; /* struct image_records */
containerd_decode images_wire_got;  /* struct image_record */

/* A request with nothing but a name (Get, Delete). */
void images_wire_name(struct buf *out, const char *name);
void images_wire_create(struct buf *out, const struct image_record *record, struct arena *arena);

#endif
