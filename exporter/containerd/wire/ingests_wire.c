/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes below zero make no sense and read as zero. */
#include "containerd/wire/ingests_wire.h"

#include "containerd/wire/time_wire.h"
#include "containerd/wire/types_wire.h"
#include "ingests.pb-c.h"

static uint64_t bytes(int64_t size)
{
    return size > 0 ? (uint64_t)size : 0;
}

bool ingests_wire_list(const struct buf *message, struct arena *arena, struct ingests *ingests,
                       struct error *err)
{
    const Ingests__ListStatusesResponse *reply =
        wire_unpack(&ingests__list_statuses_response__descriptor, message, arena, err);

    if (!reply)
        return false;
    ingests->count = 0;
    ingests->items = arena_alloc(arena, reply->n_statuses * sizeof(*ingests->items));
    for (size_t i = 0; ingests->items && i < reply->n_statuses; i++) {
        const Ingests__Status *status = reply->statuses[i];

        ingests->items[ingests->count++] = (struct ingest){
            .ref = status->ref,
            .offset_bytes = bytes(status->offset),
            .total_bytes = bytes(status->total),
            .started = wire_unix_seconds(status->started_at),
            .updated = wire_unix_seconds(status->updated_at),
        };
    }
    return arena_ok(arena, err);
}
