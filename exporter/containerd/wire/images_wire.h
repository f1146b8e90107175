/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Images and Leases services. */
#pragma once

#include "containerd/images.h"
#include "containerd/leases.h"

containerd_decode images_wire_list; /* struct image_records */
containerd_decode images_wire_got;  /* struct image_record */

void images_wire_create(struct buf *out, const struct image_record *record, struct arena *arena);

containerd_decode leases_wire_list; /* struct leases */
void leases_wire_create(struct buf *out, const struct lease *lease, struct arena *arena);
void leases_wire_delete(struct buf *out, const char *id, bool sync);
