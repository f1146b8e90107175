/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Content service about ingests. */
#ifndef CLIENT_INGESTS_WIRE_H
#define CLIENT_INGESTS_WIRE_H

#include "client/ingests.h"

bool ingests_wire_list(const struct buf *message, struct arena *arena, struct ingests *ingests,
                       struct error *err) MUST_CHECK;

#endif
