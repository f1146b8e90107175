/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Leases service. */
#ifndef CONTAINERD_WIRE_LEASES_WIRE_H
#define CONTAINERD_WIRE_LEASES_WIRE_H

#include "containerd/leases.h"

bool leases_wire_list(const struct buf *message, struct arena *arena, struct leases *leases,
                      struct error *err) MUST_CHECK;
void leases_wire_create(struct buf *out, const struct lease *lease, struct arena *arena);
void leases_wire_delete(struct buf *out, const char *id, bool sync);

#endif
