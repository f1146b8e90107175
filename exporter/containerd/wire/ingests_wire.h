/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Content service about ingests. */
#ifndef CONTAINERD_WIRE_INGESTS_WIRE_H
#define CONTAINERD_WIRE_INGESTS_WIRE_H

#include "containerd/ingests.h"

bool ingests_wire_list(const struct buf *message, struct arena *arena, struct ingests *ingests,
                       struct error *err) MUST_CHECK;

#endif
