/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/wire/content_wire.h"

#include "containerd/wire/time_wire.h"
#include "containerd/wire/types_wire.h"
#include "content.pb-c.h"
#include "types.pb-c.h"

#include <stdio.h>
#include <string.h>

/* Field numbers and wire types (protobuf encoding, "Message structure"). */
#define WIRE_VARINT     0
#define WIRE_64_BITS    1
#define WIRE_BYTES      2
#define WIRE_32_BITS    5
#define LIST_INFO       1 /* the same in both replies */
#define INFO_DIGEST     1
#define INFO_SIZE       2
#define DIGEST_BYTES    256
#define READ_DATA_TAG   0x12 /* field 2, length-delimited */
#define READ_OFFSET_TAG 0x08 /* field 1, varint */
#define WRITE_DATA_TAG  0x32 /* field 6, length-delimited */

void content_wire_digest(struct buf *out, const char *digest)
{
    Content__InfoRequest request = CONTENT__INFO_REQUEST__INIT;

    request.digest = (char *)digest;
    wire_pack(&request.base, out);
}

void content_wire_read(struct buf *out, const char *digest, uint64_t offset, uint64_t size)
{
    Content__ReadRequest request = CONTENT__READ_REQUEST__INIT;

    request.digest = (char *)digest;
    request.offset = (int64_t)offset;
    request.size = (int64_t)size;
    wire_pack(&request.base, out);
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

struct field {
    uint64_t number;
    unsigned type;   /* WIRE_VARINT, ... */
    uint64_t value;  /* of a varint */
    struct buf data; /* of what has a length; points into the message */
};

static bool skip(const struct buf *message, size_t *at, uint64_t size)
{
    if (size > message->size - *at)
        return false;
    *at += (size_t)size;
    return true;
}

/* Reads the field at *at; false where there is none that makes sense. */
static bool next_field(const struct buf *message, size_t *at, struct field *field)
{
    uint64_t tag;

    if (!varint(message, at, &tag))
        return false;
    field->number = tag >> 3;
    field->type = tag & 7;
    switch (field->type) {
    case WIRE_VARINT:
        return varint(message, at, &field->value);
    case WIRE_BYTES:
        if (!varint(message, at, &field->value))
            return false;
        field->data = (struct buf){.data = message->data + *at, .size = (size_t)field->value};
        return skip(message, at, field->value);
    case WIRE_64_BITS:
        return skip(message, at, 8);
    case WIRE_32_BITS:
        return skip(message, at, 4);
    default:
        return false;
    }
}

struct info {
    char digest[DIGEST_BYTES];
    int64_t size;
};

static bool read_info(const struct buf *message, struct info *info, struct error *err)
{
    struct field field;

    info->digest[0] = '\0';
    info->size = 0;
    for (size_t at = 0; at < message->size;) {
        if (!next_field(message, &at, &field))
            return error_set(err, ERROR_PROTOCOL, "not the info of a blob");
        if (field.number == INFO_DIGEST && field.type == WIRE_BYTES) {
            if (field.data.size >= sizeof(info->digest))
                return error_set(err, ERROR_PROTOCOL, "a digest of %zu bytes", field.data.size);
            memcpy(info->digest, field.data.data, field.data.size);
            info->digest[field.data.size] = '\0';
        } else if (field.number == INFO_SIZE && field.type == WIRE_VARINT) {
            info->size = (int64_t)field.value;
        }
    }
    return true;
}

bool content_wire_size(const struct buf *message, uint64_t *size, struct error *err)
{
    struct info info = {.size = -1};
    struct field field;

    for (size_t at = 0; at < message->size;) {
        if (!next_field(message, &at, &field))
            return error_set(err, ERROR_PROTOCOL, "not a reply to Content/Info");
        if (field.number == LIST_INFO && field.type == WIRE_BYTES &&
            !read_info(&field.data, &info, err))
            return false;
    }
    if (info.size < 0)
        return error_set(err, ERROR_PROTOCOL, "blob without a size");
    *size = (uint64_t)info.size;
    return true;
}

static bool visit_info(const struct buf *message, content_visit *visit, void *arg,
                       struct error *err)
{
    struct info info;

    if (!read_info(message, &info, err))
        return false;
    return visit(arg, &(struct content_info){info.digest, info.size > 0 ? (uint64_t)info.size : 0},
                 err);
}

/* By hand, because a record has ten times as many bytes of labels, a hundred thousand records are
 * listed twice a minute, and nobody wants them as objects. */
bool content_wire_list(const struct buf *message, content_visit *visit, void *arg,
                       struct error *err)
{
    struct field field;

    for (size_t at = 0; at < message->size;) {
        if (!next_field(message, &at, &field))
            return error_set(err, ERROR_PROTOCOL, "not a reply to Content/List");
        if (field.number == LIST_INFO && field.type == WIRE_BYTES &&
            !visit_info(&field.data, visit, arg, err))
            return false;
    }
    return true;
}

void content_wire_find(struct buf *out, const char *const *digests, size_t count,
                       struct arena *arena)
{
    Content__ListRequest request = CONTENT__LIST_REQUEST__INIT;
    char filter[DIGEST_BYTES];

    request.filters = arena_alloc(arena, count * sizeof(*request.filters));
    for (size_t i = 0; request.filters && i < count; i++) {
        snprintf(filter, sizeof(filter), "digest==\"%s\"", digests[i]);
        request.filters[i] = arena_strdup(arena, filter);
        request.n_filters += request.filters[i] != NULL;
    }
    wire_pack(&request.base, out);
}

bool content_wire_records(const struct buf *message, struct arena *arena,
                          content_record_visit *visit, void *arg, struct error *err)
{
    const Content__ListResponse *reply =
        wire_unpack(&content__list_response__descriptor, message, arena, err);
    bool ok = reply != NULL;

    for (size_t i = 0; ok && i < reply->n_info; i++) {
        const Content__Info *info = reply->info[i];
        struct content_record record = {
            .digest = info->digest,
            .size = info->size > 0 ? (uint64_t)info->size : 0,
            .created_unix_ns = wire_unix_ns(info->created_at),
        };

        ok = (wire_labels_in(&record.labels, info->labels, info->n_labels, arena) ||
              arena_ok(arena, err)) &&
             visit(arg, &record, err);
    }
    return ok;
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
