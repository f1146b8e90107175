/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Leases service. */
#ifndef CONTAINERD_WIRE_LEASES_WIRE_H
#define CONTAINERD_WIRE_LEASES_WIRE_H

#include "containerd/leases.h"

containerd_decode leases_wire_list; /* struct leases */
void leases_wire_create(struct buf *out, const struct lease *lease, struct arena *arena);
void leases_wire_delete(struct buf *out, const char *id, bool sync);

#endif
