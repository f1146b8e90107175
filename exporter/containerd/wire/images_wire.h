/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Images service. */
#ifndef CONTAINERD_WIRE_IMAGES_WIRE_H
#define CONTAINERD_WIRE_IMAGES_WIRE_H

#include "containerd/images.h"

bool images_wire_list(const struct buf *message, struct arena *arena, struct image_records *records,
                      struct error *err) MUST_CHECK;
void images_wire_get(struct buf *out, const char *name);
bool images_wire_got(const struct buf *message, struct arena *arena, struct image_record *record,
                     struct error *err) MUST_CHECK;
void images_wire_create(struct buf *out, const struct image_record *record, struct arena *arena);
void images_wire_delete(struct buf *out, const char *name);

#endif
