/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Images and Leases services. */
#pragma once

#include "containerd/images.h"
#include "containerd/leases.h"

/* What a reply is added to, and where that lives: longer than the message. */
struct image_records_list {
    struct image_records *records;
    struct arena *arena;
};

containerd_decode images_wire_list; /* struct image_records_list */
containerd_decode images_wire_got;  /* struct image_record */

void images_wire_create(struct buf *out, const struct image_record *record, struct arena *arena);

struct leases_list {
    struct leases *leases;
    struct arena *arena;
};

containerd_decode leases_wire_list;  /* struct leases_list */
containerd_decode leases_wire_blobs; /* struct lease_blobs */
void leases_wire_create(struct buf *out, const struct lease *lease, struct arena *arena);
void leases_wire_delete(struct buf *out, const char *id, bool sync);
