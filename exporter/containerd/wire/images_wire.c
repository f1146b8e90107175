/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/wire/images_wire.h"

#include "containerd/wire/types_wire.h"
#include "images.pb-c.h"
#include "leases.pb-c.h"
#include "types.pb-c.h"

#include <string.h>

#define CONTENT_TYPE "content" /* of what a lease holds */

static bool read_image(struct image_record *to, const Images__Image *from, struct arena *arena)
{
    to->name = from->name;
    wire_descriptor_in(&to->target, from->target);
    to->created_unix_ns = wire_unix_ns(from->created_at);
    return wire_labels_in(&to->labels, from->labels, from->n_labels, arena);
}

/* Makes room for more items. Returns the array with the old ones, or NULL if the arena is full. */
static void *extend(struct arena *arena, const void *items, size_t count, size_t n_more,
                    size_t size)
{
    void *more = arena_alloc(arena, (count + n_more) * size);

    if (more && count > 0)
        memcpy(more, items, count * size);
    return more;
}

bool images_wire_list(const struct buf *message, struct arena *arena, void *out, struct error *err)
{
    const Images__ListResponse *reply =
        wire_unpack(&images__list_response__descriptor, message, arena, err);
    const struct image_records_list *list = out;
    struct image_records *records = list->records;
    struct image_record *items;

    if (!reply)
        return false;
    items = extend(list->arena, records->items, records->count, reply->n_images, sizeof(*items));
    for (size_t i = 0; items && i < reply->n_images; i++) {
        const Images__Image *from = reply->images[i];
        struct image_record *to = &items[records->count + i];

        *to = (struct image_record){.name = arena_strdup(list->arena, from->name),
                                    .created_unix_ns = wire_unix_ns(from->created_at)};
        wire_descriptor_in(&to->target, from->target);
        to->target.media_type = arena_strdup(list->arena, to->target.media_type);
        to->target.digest = arena_strdup(list->arena, to->target.digest);
    }
    if (!arena_ok(list->arena, err))
        return false;
    records->items = items;
    records->count += reply->n_images;
    return true;
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

static bool copy_labels(struct labels *to, Wire__Label *const *items, size_t count,
                        struct arena *arena)
{
    if (!wire_labels_in(to, items, count, arena))
        return false;
    for (size_t i = 0; i < to->count; i++)
        to->items[i] = (struct label){arena_strdup(arena, to->items[i].name),
                                      arena_strdup(arena, to->items[i].value)};
    return true;
}

bool leases_wire_list(const struct buf *message, struct arena *arena, void *out, struct error *err)
{
    const Leases__ListResponse *reply =
        wire_unpack(&leases__list_response__descriptor, message, arena, err);
    const struct leases_list *list = out;
    struct leases *leases = list->leases;
    struct lease *items;

    if (!reply)
        return false;
    items = extend(list->arena, leases->items, leases->count, reply->n_leases, sizeof(*items));
    for (size_t i = 0; items && i < reply->n_leases; i++) {
        const Leases__Lease *from = reply->leases[i];
        struct lease *to = &items[leases->count + i];

        to->id = arena_strdup(list->arena, from->id);
        if (!copy_labels(&to->labels, from->labels, from->n_labels, list->arena))
            break;
    }
    if (!arena_ok(list->arena, err))
        return false;
    leases->items = items;
    leases->count += reply->n_leases;
    return true;
}

bool leases_wire_blobs(const struct buf *message, struct arena *arena, void *out, struct error *err)
{
    const Leases__ListResourcesResponse *reply =
        wire_unpack(&leases__list_resources_response__descriptor, message, arena, err);
    struct lease_blobs *blobs = out;

    if (!reply)
        return false;
    blobs->digests = arena_alloc(arena, (reply->n_resources + 1) * sizeof(*blobs->digests));
    for (size_t i = 0; blobs->digests && i < reply->n_resources; i++)
        if (strcmp(reply->resources[i]->type, CONTENT_TYPE) == 0)
            blobs->digests[blobs->count++] = reply->resources[i]->id;
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
