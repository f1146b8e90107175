/* SPDX-License-Identifier: Apache-2.0 */
#include "client/content_wire.h"

#include "client/types_wire.h"
#include "content.pb-c.h"

/* Field numbers and wire types (protobuf encoding, "Message structure"). */
#define READ_DATA_TAG   0x12 /* field 2, length-delimited */
#define READ_OFFSET_TAG 0x08 /* field 1, varint */
#define WRITE_DATA_TAG  0x32 /* field 6, length-delimited */

void content_wire_digest(struct buf *out, const char *digest)
{
    Content__InfoRequest request = CONTENT__INFO_REQUEST__INIT;

    request.digest = (char *)digest;
    wire_pack(&request.base, out);
}

bool content_wire_size(const struct buf *message, uint64_t *size, struct error *err)
{
    /* Unread labels lie in the arena, too, and an index may have hundreds. */
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 20);
    const Content__InfoResponse *reply =
        wire_unpack(&content__info_response__descriptor, message, &arena, err);

    if (!reply)
        return false;
    if (!reply->info || reply->info->size < 0)
        return error_set(err, ERROR_PROTOCOL, "blob without a size");
    *size = (uint64_t)reply->info->size;
    return true;
}

bool content_wire_list(const struct buf *message, struct arena *arena, content_visit *visit,
                       void *arg, struct error *err)
{
    const Content__ListResponse *reply =
        wire_unpack(&content__list_response__descriptor, message, arena, err);
    bool ok = reply != NULL;

    for (size_t i = 0; ok && i < reply->n_info; i++) {
        const struct content_info info = {
            .digest = reply->info[i]->digest,
            .size = reply->info[i]->size > 0 ? (uint64_t)reply->info[i]->size : 0,
        };

        ok = visit(arg, &info, err);
    }
    return ok;
}

/* Reads a varint at *at; false where the message ends or the number is too long. */
static bool varint(const struct buf *message, size_t *at, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && *at < message->size; shift += 7) {
        uint8_t byte = (uint8_t)message->data[(*at)++];

        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

bool content_wire_data(const struct buf *message, const void **data, size_t *size,
                       struct error *err)
{
    size_t at = 0;

    *data = "";
    *size = 0;
    while (at < message->size) {
        uint8_t tag = (uint8_t)message->data[at++];
        uint64_t value;

        if ((tag != READ_DATA_TAG && tag != READ_OFFSET_TAG) || !varint(message, &at, &value))
            return error_set(err, ERROR_PROTOCOL, "not a reply to Content/Read");
        if (tag == READ_OFFSET_TAG)
            continue;
        if (value > message->size - at)
            return error_set(err, ERROR_PROTOCOL, "Content/Read: data longer than its message");
        *data = message->data + at;
        *size = (size_t)value;
        at += (size_t)value;
    }
    return true;
}

bool content_wire_statuses(const struct buf *message, struct arena *arena,
                           struct content_refs *refs, struct error *err)
{
    const Content__ListStatusesResponse *reply =
        wire_unpack(&content__list_statuses_response__descriptor, message, arena, err);

    if (!reply)
        return false;
    refs->count = 0;
    refs->items = arena_alloc(arena, reply->n_statuses * sizeof(*refs->items));
    for (size_t i = 0; refs->items && i < reply->n_statuses; i++)
        refs->items[refs->count++] = reply->statuses[i]->ref;
    return arena_ok(arena, err);
}

void content_wire_abort(struct buf *out, const char *ref)
{
    Content__AbortRequest request = CONTENT__ABORT_REQUEST__INIT;

    request.ref = (char *)ref;
    wire_pack(&request.base, out);
}

static void append_varint(struct buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        buf_append_char(out, (char)(value | 0x80));
    buf_append_char(out, (char)value);
}

void content_wire_write(struct buf *out, const struct content_write *write, struct arena *arena)
{
    Content__WriteRequest request = CONTENT__WRITE_REQUEST__INIT;

    request.action = write->action;
    request.ref = (char *)(write->ref ? write->ref : "");
    request.expected = (char *)(write->expected ? write->expected : "");
    request.total = (int64_t)write->total;
    request.offset = (int64_t)write->offset;
    request.labels = wire_labels_out(&write->labels, arena);
    request.n_labels = request.labels ? write->labels.count : 0;
    wire_pack(&request.base, out);
    if (write->data_size == 0)
        return;
    buf_append_char(out, WRITE_DATA_TAG);
    append_varint(out, write->data_size);
}

bool content_wire_written(const struct buf *message, struct arena *arena,
                          struct content_written *written, struct error *err)
{
    const Content__WriteResponse *reply =
        wire_unpack(&content__write_response__descriptor, message, arena, err);

    if (!reply)
        return false;
    written->action = (enum content_action)reply->action;
    written->offset = reply->offset > 0 ? (uint64_t)reply->offset : 0;
    written->digest = reply->digest;
    return true;
}
