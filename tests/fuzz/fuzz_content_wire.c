/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes any bytes as replies of the Content service. The data that content_wire_data() finds lies
 * inside the message, and is found again in a chunk made of it. The other decoders must not crash.
 */
#include "base/varint.h"
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

static void write_back(const void *data, size_t size)
{
    CLEANUP(buf_deinit) struct buf chunk = BUF_INIT(LIMIT_BYTES);
    char length[VARINT_BYTES_MAX];
    const void *again;
    size_t again_size;
    struct error err;

    buf_append(&chunk, "\x08\x07\x12", 3);
    buf_append(&chunk, length, (size_t)(varint_write(length, size) - length));
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

static bool count_blob(void *arg, const struct content_info *info, struct error *err)
{
    size_t *length = arg;

    (void)err;
    *length += strlen(info->digest);
    return true;
}

static bool count_record(void *arg, const struct content_record *record, struct error *err)
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
    struct ingests ingests;
    size_t length = 0;
    struct content_visitor blobs = {count_blob, &length};
    struct content_record_visitor records = {count_record, &length};
    uint64_t size;
    struct error err;

    (void)!content_wire_size(message, &arena, &size, &err); /* must not crash */
    (void)!content_wire_list(message, &arena, &blobs, &err);
    (void)!content_wire_records(message, &arena, &records, &err);
    if (content_wire_written(message, &arena, &written, &err))
        length += strlen(written.digest);
    if (content_wire_ingests(message, &arena, &ingests, &err))
        for (size_t i = 0; i < ingests.count; i++)
            length += strlen(ingests.items[i].ref);
    require(length <= 4 * (message->size + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct buf message = {.data = (char *)data, .size = size, .limit_bytes = size};

    find_data(&message);
    unpack(&message);
    return 0;
}
