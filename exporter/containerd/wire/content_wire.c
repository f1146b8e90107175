/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/wire/content_wire.h"

#include "base/varint.h"
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
#define INFO_LABEL      5
#define LABEL_KEY       1
#define DIGEST_BYTES    256
#define NAMES_BYTES     512 /* of all snapshotters of a blob */
#define SNAPSHOT_LABEL  "containerd.io/gc.ref.snapshot."
#define READ_DATA_TAG   0x12 /* field 2, length-delimited */
#define READ_OFFSET_TAG 0x08 /* field 1, varint */
#define WRITE_DATA_TAG  0x32 /* field 6, length-delimited */

void content_wire_read(struct buf *out, const char *digest, uint64_t offset, uint64_t size)
{
    Content__ReadRequest request = CONTENT__READ_REQUEST__INIT;

    request.digest = (char *)digest;
    request.offset = (int64_t)offset;
    request.size = (int64_t)size;
    wire_pack(&request.base, out);
}

/* Reads a varint at *at. False if the message ends within it or it is too long. */
static bool varint(const struct buf *message, size_t *at, uint64_t *value)
{
    const char *end = varint_read(message->data + *at, message->data + message->size, value);

    if (end)
        *at = (size_t)(end - message->data);
    return end;
}

struct field {
    uint64_t number;
    unsigned type;   /* WIRE_VARINT, ... */
    uint64_t value;  /* of a varint */
    struct buf data; /* of a field with a length; points into the message */
};

static bool skip(const struct buf *message, size_t *at, uint64_t size)
{
    if (size > message->size - *at)
        return false;
    *at += (size_t)size;
    return true;
}

/* Reads the field at *at. False if the bytes there are no field. */
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
    char snapshotters[NAMES_BYTES]; /* see struct content_info */
    size_t n_snapshotters;          /* bytes of them */
};

static void add_name(struct info *info, const char *name, size_t size)
{
    size_t gap = info->n_snapshotters > 0;

    if (size == 0 || memchr(name, '\0', size) ||
        size + gap >= sizeof(info->snapshotters) - info->n_snapshotters)
        return;
    if (gap)
        info->snapshotters[info->n_snapshotters++] = CONTENT_SNAPSHOTTERS_END[0];
    memcpy(info->snapshotters + info->n_snapshotters, name, size);
    info->n_snapshotters += size;
    info->snapshotters[info->n_snapshotters] = '\0';
}

/* Notes the snapshotter if that is what the label names. As for the daemon's garbage collection the
 * name ends at a slash. */
static bool read_label(const struct buf *message, struct info *info)
{
    const size_t prefix = sizeof(SNAPSHOT_LABEL) - 1;
    struct field field;

    for (size_t at = 0; at < message->size;) {
        const char *name, *end;
        size_t size;

        if (!next_field(message, &at, &field))
            return false;
        if (field.number != LABEL_KEY || field.type != WIRE_BYTES || field.data.size <= prefix ||
            memcmp(field.data.data, SNAPSHOT_LABEL, prefix) != 0)
            continue;
        name = field.data.data + prefix;
        size = field.data.size - prefix;
        end = memchr(name, CONTENT_SNAPSHOTTERS_END[0], size);
        add_name(info, name, end ? (size_t)(end - name) : size);
    }
    return true;
}

static bool read_info(const struct buf *message, struct info *info, struct error *err)
{
    struct field field;

    info->digest[0] = info->snapshotters[0] = '\0';
    info->size = 0;
    info->n_snapshotters = 0;
    for (size_t at = 0; at < message->size;) {
        if (!next_field(message, &at, &field))
            return error_set(err, ERROR_PROTOCOL, "invalid blob info in a reply of Content");
        if (field.number == INFO_DIGEST && field.type == WIRE_BYTES) {
            if (field.data.size >= sizeof(info->digest))
                return error_set(err, ERROR_PROTOCOL,
                                 "digest of %zu bytes in a reply of Content: too long",
                                 field.data.size);
            memcpy(info->digest, field.data.data, field.data.size);
            info->digest[field.data.size] = '\0';
        } else if (field.number == INFO_SIZE && field.type == WIRE_VARINT) {
            info->size = (int64_t)field.value;
        } else if (field.number == INFO_LABEL && field.type == WIRE_BYTES &&
                   !read_label(&field.data, info)) {
            return error_set(err, ERROR_PROTOCOL, "invalid label in a reply of Content");
        }
    }
    return true;
}

bool content_wire_size(const struct buf *message, struct arena *arena, void *out, struct error *err)
{
    struct info info = {.size = -1};
    struct field field;
    uint64_t *size = out;

    (void)arena;
    for (size_t at = 0; at < message->size;) {
        if (!next_field(message, &at, &field))
            return error_set(err, ERROR_PROTOCOL, "invalid reply to Content/Info");
        if (field.number == LIST_INFO && field.type == WIRE_BYTES &&
            !read_info(&field.data, &info, err))
            return false;
    }
    if (info.size < 0)
        return error_set(err, ERROR_PROTOCOL, "reply to Content/Info without a size");
    *size = (uint64_t)info.size;
    return true;
}

static bool visit_info(const struct buf *message, const struct content_visitor *visitor,
                       struct error *err)
{
    struct info info;

    return read_info(message, &info, err) &&
           visitor->visit(
               visitor->arg,
               &(struct content_info){info.digest, wire_size(info.size), info.snapshotters}, err);
}

/* Reads the message without protobuf-c: nine tenths of it are labels, which protobuf-c would decode
 * into objects, and collectors list a hundred thousand blobs twice a minute. */
bool content_wire_list(const struct buf *message, struct arena *arena, void *out, struct error *err)
{
    struct field field;

    (void)arena;
    for (size_t at = 0; at < message->size;) {
        if (!next_field(message, &at, &field))
            return error_set(err, ERROR_PROTOCOL, "invalid reply to Content/List");
        if (field.number == LIST_INFO && field.type == WIRE_BYTES &&
            !visit_info(&field.data, out, err))
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

bool content_wire_records(const struct buf *message, struct arena *arena, void *out,
                          struct error *err)
{
    const Content__ListResponse *reply =
        wire_unpack(&content__list_response__descriptor, message, arena, err);
    const struct content_record_visitor *visitor = out;
    bool ok = reply;

    for (size_t i = 0; ok && i < reply->n_info; i++) {
        const Content__Info *info = reply->info[i];
        struct content_record record = {
            .digest = info->digest,
            .size = wire_size(info->size),
            .created_unix_ns = wire_unix_ns(info->created_at),
        };

        ok = (wire_labels_in(&record.labels, info->labels, info->n_labels, arena) ||
              arena_ok(arena, err)) &&
             visitor->visit(visitor->arg, &record, err);
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
            return error_set(err, ERROR_PROTOCOL, "invalid reply to Content/Read");
        if (tag == READ_OFFSET_TAG)
            continue;
        if (value > message->size - at)
            return error_set(
                err, ERROR_PROTOCOL,
                "invalid reply to Content/Read: %llu bytes of data in a message of %zu",
                (unsigned long long)value, message->size);
        *data = message->data + at;
        *size = (size_t)value;
        at += (size_t)value;
    }
    return true;
}

bool content_wire_ingests(const struct buf *message, struct arena *arena, void *out,
                          struct error *err)
{
    const Content__ListStatusesResponse *reply =
        wire_unpack(&content__list_statuses_response__descriptor, message, arena, err);
    struct ingests *ingests = out;

    if (!reply)
        return false;
    ingests->count = 0;
    ingests->items = arena_alloc(arena, reply->n_statuses * sizeof(*ingests->items));
    for (size_t i = 0; ingests->items && i < reply->n_statuses; i++) {
        const Content__Status *status = reply->statuses[i];

        ingests->items[ingests->count++] = (struct ingest){
            .ref = status->ref,
            .offset_bytes = wire_size(status->offset),
            .total_bytes = wire_size(status->total),
            .started = wire_unix_seconds(status->started_at),
            .updated = wire_unix_seconds(status->updated_at),
        };
    }
    return arena_ok(arena, err);
}

void content_wire_write(struct buf *out, const struct content_write *write, struct arena *arena)
{
    Content__WriteRequest request = CONTENT__WRITE_REQUEST__INIT;
    char size[VARINT_BYTES_MAX];

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
    buf_append(out, size, (size_t)(varint_write(size, write->data_size) - size));
}

bool content_wire_written(const struct buf *message, struct arena *arena, void *out,
                          struct error *err)
{
    const Content__WriteResponse *reply =
        wire_unpack(&content__write_response__descriptor, message, arena, err);
    struct content_written *written = out;

    if (!reply)
        return false;
    written->action = (enum content_action)reply->action;
    written->offset = wire_size(reply->offset);
    written->digest = reply->digest;
    return true;
}
