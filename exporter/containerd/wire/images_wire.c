/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/wire/images_wire.h"

#include "containerd/wire/types_wire.h"
#include "images.pb-c.h"
#include "leases.pb-c.h"
#include "types.pb-c.h"

static bool read_image(struct image_record *to, const Images__Image *from, struct arena *arena)
{
    to->name = from->name;
    wire_descriptor_in(&to->target, from->target);
    to->created_unix_ns = wire_unix_ns(from->created_at);
    return wire_labels_in(&to->labels, from->labels, from->n_labels, arena);
}

bool images_wire_list(const struct buf *message, struct arena *arena, void *out, struct error *err)
{
    const Images__ListResponse *reply =
        wire_unpack(&images__list_response__descriptor, message, arena, err);
    struct image_records *records = out;

    if (!reply)
        return false;
    records->count = 0;
    records->items = arena_alloc(arena, reply->n_images * sizeof(*records->items));
    for (size_t i = 0; records->items && i < reply->n_images; i++)
        if (!read_image(&records->items[records->count++], reply->images[i], arena))
            break;
    return arena_ok(arena, err);
}

bool images_wire_got(const struct buf *message, struct arena *arena, void *out, struct error *err)
{
    const Images__GetResponse *reply =
        wire_unpack(&images__get_response__descriptor, message, arena, err);

    if (!reply)
        return false;
    if (!reply->image)
        return error_set(err, ERROR_PROTOCOL, "reply to Images/Get without an image");
    return read_image(out, reply->image, arena) || arena_ok(arena, err);
}

void images_wire_create(struct buf *out, const struct image_record *record, struct arena *arena)
{
    Wire__Descriptor target;
    Images__Image image = IMAGES__IMAGE__INIT;
    Images__CreateRequest request = IMAGES__CREATE_REQUEST__INIT;

    wire_descriptor_out(&target, &record->target);
    image.name = (char *)record->name;
    image.target = &target;
    image.labels = wire_labels_out(&record->labels, arena);
    image.n_labels = image.labels ? record->labels.count : 0;
    request.image = &image;
    wire_pack(&request.base, out);
}

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
