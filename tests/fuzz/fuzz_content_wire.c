/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an answer of the content service. What content_wire_data() finds lies inside the
 * message; the same data written back as a chunk is found again; the others do not fall over.
 */
#include "containerd/wire/content_wire.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_BYTES ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void append_varint(struct buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        buf_append_char(out, (char)(value | 0x80));
    buf_append_char(out, (char)value);
}

static void write_back(const void *data, size_t size)
{
    CLEANUP(buf_deinit) struct buf chunk = BUF_INIT(LIMIT_BYTES);
    const void *again;
    size_t again_size;
    struct error err;

    buf_append(&chunk, "\x08\x07\x12", 3);
    append_varint(&chunk, size);
    buf_append(&chunk, data, size);
    require(content_wire_data(&chunk, &again, &again_size, &err));
    require(again_size == size && memcmp(again, data, size) == 0);
}

static void find_data(const struct buf *message)
{
    struct error err = {0};
    const void *data;
    size_t size;

    if (!content_wire_data(message, &data, &size, &err)) {
        require(err.code == ERROR_PROTOCOL);
        return;
    }
    require(size == 0 || ((const char *)data >= message->data && size <= message->size &&
                          (const char *)data + size <= message->data + message->size));
    write_back(data, size);
}

static bool look(void *arg, const struct content_info *info, struct error *err)
{
    size_t *length = arg;

    (void)err;
    *length += strlen(info->digest);
    return true;
}

static bool look_closer(void *arg, const struct content_record *record, struct error *err)
{
    size_t *length = arg;

    (void)err;
    (void)labels_get(&record->labels, "containerd.io/gc.root");
    *length += strlen(record->digest);
    return true;
}

static void unpack(const struct buf *message)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    struct content_written written;
    struct content_refs refs;
    size_t length = 0;
    uint64_t size;
    struct error err;

    (void)!content_wire_size(message, &size, &err); /* only whether they return */
    (void)!content_wire_list(message, look, &length, &err);
    (void)!content_wire_records(message, &arena, look_closer, &length, &err);
    if (content_wire_written(message, &arena, &written, &err))
        length += strlen(written.digest);
    if (content_wire_statuses(message, &arena, &refs, &err))
        for (size_t i = 0; i < refs.count; i++)
            length += strlen(refs.items[i]);
    require(length <= 4 * (message->size + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct buf message = {.data = (char *)data, .size = size, .limit_bytes = size};

    find_data(&message);
    unpack(&message);
    return 0;
}
