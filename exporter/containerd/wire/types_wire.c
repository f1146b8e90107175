/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/wire/types_wire.h"

#include "base/clock.h"
#include "timestamp.pb-c.h"
#include "types.pb-c.h"

#define YEAR_1      INT64_C(-62135596800)
#define SECONDS_MAX (INT64_MAX / NS_PER_SECOND - 4) /* leaves room for any nanos */

static void append(ProtobufCBuffer *buffer, size_t size, const uint8_t *data)
{
    struct wire_buffer {
        ProtobufCBuffer base;
        struct buf *out;
    } *wire = (struct wire_buffer *)buffer;

    buf_append(wire->out, data, size);
}

void wire_pack(const ProtobufCMessage *message, struct buf *out)
{
    struct {
        ProtobufCBuffer base;
        struct buf *out;
    } buffer = {{append}, out};

    buf_clear(out);
    protobuf_c_message_pack_to_buffer(message, &buffer.base);
}

static void *allocate(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void release(void *arena, void *ptr)
{
    (void)arena, (void)ptr; /* the arena releases everything at once */
}

void *wire_unpack(const ProtobufCMessageDescriptor *type, const struct buf *message,
                  struct arena *arena, struct error *err)
{
    ProtobufCAllocator allocator = {allocate, release, arena};
    void *unpacked =
        protobuf_c_message_unpack(type, &allocator, message->size, (const uint8_t *)message->data);

    if (unpacked || !arena_ok(arena, err))
        return unpacked;
    error_set(err, ERROR_PROTOCOL, "invalid message: expected %s", type->name);
    return NULL;
}

bool wire_labels_in(struct labels *labels, Wire__Label *const *items, size_t count,
                    struct arena *arena)
{
    labels->count = 0;
    labels->items = arena_alloc(arena, count * sizeof(*labels->items));
    if (!labels->items)
        return false;
    for (size_t i = 0; i < count; i++)
        labels->items[labels->count++] = (struct label){items[i]->key, items[i]->value};
    return true;
}

Wire__Label **wire_labels_out(const struct labels *labels, struct arena *arena)
{
    Wire__Label **pointers = arena_alloc(arena, labels->count * sizeof(*pointers));
    Wire__Label *items = arena_alloc(arena, labels->count * sizeof(*items));

    if (!pointers || !items || labels->count == 0)
        return NULL;
    for (size_t i = 0; i < labels->count; i++) {
        wire__label__init(&items[i]);
        items[i].key = (char *)labels->items[i].name;
        items[i].value = (char *)labels->items[i].value;
        pointers[i] = &items[i];
    }
    return pointers;
}

void wire_descriptor_in(struct descriptor *descriptor, const Wire__Descriptor *message)
{
    *descriptor = (struct descriptor){.media_type = "", .digest = ""};
    if (!message)
        return;
    descriptor->media_type = message->media_type;
    descriptor->digest = message->digest;
    descriptor->size = message->size;
}

void wire_descriptor_out(Wire__Descriptor *message, const struct descriptor *descriptor)
{
    wire__descriptor__init(message);
    message->media_type = (char *)descriptor->media_type;
    message->digest = (char *)descriptor->digest;
    message->size = descriptor->size;
}

double wire_unix_seconds(const Wire__Timestamp *time)
{
    if (!time || time->seconds <= YEAR_1)
        return 0;
    return (double)time->seconds + (double)time->nanos / 1e9;
}

int64_t wire_unix_ns(const Wire__Timestamp *time)
{
    if (!time || time->seconds <= 0 || time->seconds > SECONDS_MAX)
        return 0;
    return time->seconds * NS_PER_SECOND + time->nanos;
}
