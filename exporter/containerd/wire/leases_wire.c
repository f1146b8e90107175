/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/wire/leases_wire.h"

#include "containerd/wire/types_wire.h"
#include "leases.pb-c.h"

bool leases_wire_list(const struct buf *message, struct arena *arena, void *out, struct error *err)
{
    const Leases__ListResponse *reply =
        wire_unpack(&leases__list_response__descriptor, message, arena, err);
    struct leases *leases = out;

    if (!reply)
        return false;
    leases->count = 0;
    leases->items = arena_alloc(arena, reply->n_leases * sizeof(*leases->items));
    for (size_t i = 0; leases->items && i < reply->n_leases; i++) {
        const Leases__Lease *from = reply->leases[i];
        struct lease *to = &leases->items[leases->count++];

        to->id = from->id;
        if (!wire_labels_in(&to->labels, from->labels, from->n_labels, arena))
            break;
    }
    return arena_ok(arena, err);
}

void leases_wire_create(struct buf *out, const struct lease *lease, struct arena *arena)
{
    Leases__CreateRequest request = LEASES__CREATE_REQUEST__INIT;

    request.id = (char *)lease->id;
    request.labels = wire_labels_out(&lease->labels, arena);
    request.n_labels = request.labels ? lease->labels.count : 0;
    wire_pack(&request.base, out);
}

void leases_wire_delete(struct buf *out, const char *id, bool sync)
{
    Leases__DeleteRequest request = LEASES__DELETE_REQUEST__INIT;

    request.id = (char *)id;
    request.sync = sync;
    wire_pack(&request.base, out);
}
