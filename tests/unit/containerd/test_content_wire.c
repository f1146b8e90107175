/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Content service, above all those that are read and written without protobuf-c. */
#include "containerd/wire/content_wire.h"

#include "containerd/wire/containerd_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT_BYTES ((size_t)64 << 10)

#define BYTES(text) (text), sizeof(text) - 1

/* Copies the bytes into memory of exactly that size, so that a sanitizer notices a read beyond it.
 */
static struct buf message_of(const char *data, size_t size)
{
    struct buf message = BUF_INIT(LIMIT_BYTES);

    message.data = malloc(size ? size : 1);
    assert_non_null(message.data);
    memcpy(message.data, data, size);
    message.size = size;
    return message;
}

static void finds_the_data_of_a_chunk(void **state)
{
    static const struct {
        const char *message;
        size_t size;
        const char *want;
    } rows[] = {
        {BYTES(""), ""},
        {BYTES("\x08\x05"), ""}, /* an offset alone */
        {BYTES("\x12\x00"), ""}, /* data, but none */
        {BYTES("\x12\x03"
               "abc"),
         "abc"},
        {BYTES("\x08\x80\x80\x04\x12\x03"
               "abc"),
         "abc"}, /* offset 64 KiB */
        {BYTES("\x12\x03"
               "abc\x08\x07"),
         "abc"}, /* the other way round */
        {BYTES("\x12\x81\x00"
               "a"),
         "a"}, /* a length in more bytes */
        {BYTES("\x12\x01"
               "a\x12\x02"
               "bc"),
         "bc"},                                                      /* the last one counts */
        {BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), ""}, /* offset -1 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(buf_deinit) struct buf message = message_of(rows[i].message, rows[i].size);
        const void *data;
        size_t size;
        struct error err;

        assert_true(content_wire_data(&message, &data, &size, &err));
        assert_int_equal(size, strlen(rows[i].want));
        assert_memory_equal(data, rows[i].want, size);
    }
}

static void points_into_the_message(void **state)
{
    CLEANUP(buf_deinit) struct buf message = message_of(BYTES("\x12\x02\x00\xff"));
    const void *data;
    size_t size;
    struct error err;

    (void)state;
    assert_true(content_wire_data(&message, &data, &size, &err));
    assert_ptr_equal(data, message.data + 2);
    assert_int_equal(size, 2);
}

static const struct {
    const char *message;
    size_t size;
} no_chunks[] = {
    {BYTES("\x12")},
    {BYTES("\x08")},
    {BYTES("\x12\x80")}, /* length cut off */
    {BYTES("\x12\x04"
           "abc")}, /* one byte short */
    {BYTES("\x12\x01")},
    {BYTES("\x12\x03"
           "abc\x12")},
    {BYTES("\x12\xff\xff\xff\xff\x0f")}, /* 4 GiB */
    {BYTES("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
           "abc")}, /* 2^64 - 1 */
    {BYTES("\x12\xfd\xff\xff\xff\xff\xff\xff\xff\xff\x01"
           "abc")},                                              /* at + size is small */
    {BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")}, /* eleven bytes */
    {BYTES("\x0a\x03"
           "abc")},      /* field 1, but bytes */
    {BYTES("\x10\x05")}, /* field 2, a number */
    {BYTES("\x1a\x00")}, /* field 3 */
    {BYTES("\x00")},
    {BYTES("<html>")},
};

static void refuses_an_invalid_chunk(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(no_chunks) / sizeof(no_chunks[0]); i++) {
        CLEANUP(buf_deinit)
        struct buf message = message_of(no_chunks[i].message, no_chunks[i].size);
        const void *data;
        size_t size;
        struct error err = {0};

        if (content_wire_data(&message, &data, &size, &err))
            fail_msg("row %zu is no chunk", i);
        assert_int_equal(err.code, ERROR_PROTOCOL);
    }
}

/* A parsed request; strings point into the message. */
struct parsed {
    uint64_t numbers[8]; /* by field */
    const char *texts[8];
    size_t sizes[8];
    size_t n_labels, end;
    const char *labels[4];
    size_t label_sizes[4];
};

static uint64_t varint(const struct buf *message, size_t *at)
{
    uint64_t value = 0;
    uint8_t byte;
    unsigned shift = 0;

    do {
        assert_true(*at < message->size && shift < 64);
        byte = (uint8_t)message->data[(*at)++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte >= 0x80);
    return value;
}

/* The last field may be a length without its data, which is sent separately. */
static void parse_field(const struct buf *message, struct parsed *parsed)
{
    uint64_t tag = varint(message, &parsed->end), value = varint(message, &parsed->end);
    size_t field = (size_t)(tag >> 3);

    assert_in_range(field, 1, 7);
    assert_true((tag & 7) == 0 || (tag & 7) == 2);
    if ((tag & 7) == 0) {
        parsed->numbers[field] = value;
        return;
    }
    if (field == 6) {
        parsed->sizes[field] = (size_t)value;
        assert_int_equal(parsed->end, message->size);
        return;
    }
    assert_true(value <= message->size - parsed->end);
    if (field == 7) {
        assert_in_range(parsed->n_labels, 0, 3);
        parsed->labels[parsed->n_labels] = message->data + parsed->end;
        parsed->label_sizes[parsed->n_labels++] = (size_t)value;
    } else {
        parsed->texts[field] = message->data + parsed->end;
        parsed->sizes[field] = (size_t)value;
    }
    parsed->end += (size_t)value;
}

static struct parsed parse(const struct buf *message)
{
    struct parsed parsed = {0};

    while (parsed.end < message->size)
        parse_field(message, &parsed);
    return parsed;
}

static void writes_a_request_without_its_data(void **state)
{
    static const size_t sizes[] = {1, 127, 128, 16383, 16384, (size_t)1 << 20};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
        const struct content_write write = {.action = CONTENT_WRITE,
                                            .ref = "upload-1",
                                            .offset = UINT64_C(5) << 32,
                                            .total = 7,
                                            .data_size = sizes[i]};
        struct parsed parsed;

        content_wire_write(&out, &write, &arena);
        parsed = parse(&out);
        assert_int_equal(parsed.numbers[1], CONTENT_WRITE);
        assert_int_equal(parsed.sizes[2], strlen("upload-1"));
        assert_memory_equal(parsed.texts[2], "upload-1", strlen("upload-1"));
        assert_int_equal(parsed.numbers[3], 7);
        assert_true(parsed.numbers[5] == UINT64_C(5) << 32);
        assert_int_equal(parsed.sizes[6], sizes[i]);
        assert_int_equal(parsed.n_labels, 0);
    }
}

static void a_commit_has_digest_and_labels(void **state)
{
    static const struct label items[] = {{"containerd.io/gc.root", "now"}, {"empty", ""}};
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    const struct content_write write = {
        .action = CONTENT_COMMIT,
        .expected = "sha256:abc",
        .total = 3,
        .offset = 3,
        .labels = {.items = (struct label *)items, .count = 2},
    };
    struct parsed parsed;

    (void)state;
    content_wire_write(&out, &write, &arena);
    parsed = parse(&out);
    assert_int_equal(parsed.numbers[1], CONTENT_COMMIT);
    assert_null(parsed.texts[2]);
    assert_memory_equal(parsed.texts[4], "sha256:abc", parsed.sizes[4]);
    assert_int_equal(parsed.sizes[4], strlen("sha256:abc"));
    assert_int_equal(parsed.sizes[6], 0);
    assert_int_equal(parsed.n_labels, 2);
    assert_int_equal(parsed.label_sizes[0],
                     2 + strlen("containerd.io/gc.root") + 2 + strlen("now"));
    assert_memory_equal(parsed.labels[0],
                        "\x0a\x15"
                        "containerd.io/gc.root\x12\x03now",
                        28);
    assert_memory_equal(parsed.labels[1],
                        "\x0a\x05"
                        "empty",
                        7);
}

static void reads_replies_of_the_daemon(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    CLEANUP(buf_deinit)
    struct buf answer = message_of(BYTES("\x08\x02\x20\xac\x02\x28\x07\x32\x03"
                                         "abc"));
    CLEANUP(buf_deinit) struct buf nothing = message_of(BYTES(""));
    CLEANUP(buf_deinit)
    struct buf negative = message_of(BYTES("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    CLEANUP(buf_deinit)
    struct buf broken = message_of(BYTES("\x32\x09"
                                         "abc"));
    struct content_written written;
    struct error err;

    (void)state;
    assert_true(content_wire_written(&answer, &arena, &written, &err));
    assert_int_equal(written.action, CONTENT_COMMIT);
    assert_int_equal(written.offset, 300);
    assert_string_equal(written.digest, "abc");
    assert_true(content_wire_written(&nothing, &arena, &written, &err));
    assert_int_equal(written.offset, 0);
    assert_string_equal(written.digest, "");
    assert_true(content_wire_written(&negative, &arena, &written, &err));
    assert_int_equal(written.offset, 0);
    assert_false(content_wire_written(&broken, &arena, &written, &err));
    assert_int_equal(err.code, ERROR_PROTOCOL);
}

static void reads_the_size_of_a_blob(void **state)
{
    static const struct {
        const char *message;
        size_t size;
        bool ok;
        uint64_t want;
    } rows[] = {
        {BYTES("\x0a\x05\x0a\x01"
               "x\x10\x2a"),
         true, 42},
        {BYTES("\x0a\x00"), true, 0},
        {BYTES(""), false, 0},
        {BYTES("\x0a\x0b\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), false, 0}, /* -1 */
        {BYTES("\x0a\x05\x10"), false, 0},
    };
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(LIMIT_BYTES);

    (void)state;
    containerd_wire_name(&request, "d");
    assert_int_equal(request.size, 3);
    assert_memory_equal(request.data,
                        "\x0a\x01"
                        "d",
                        3);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(buf_deinit) struct buf message = message_of(rows[i].message, rows[i].size);
        uint64_t size = 0;
        struct error err = {0};

        assert_int_equal(content_wire_size(&message, NULL, &size, &err), rows[i].ok);
        assert_int_equal(size, rows[i].want);
        assert_int_equal(err.code, rows[i].ok ? ERROR_NONE : ERROR_PROTOCOL);
    }
}

static bool visit_two(void *arg, const struct content_info *info, struct error *err)
{
    size_t *visited = arg;

    assert_string_equal(info->digest, *visited == 0 ? "a" : "b");
    assert_int_equal(info->size, *visited == 0 ? 1 : 0);
    if (++*visited == 2)
        return error_set(err, ERROR_LIMIT, "enough");
    return true;
}

static void a_list_ends_with_the_error_of_the_visitor(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    CLEANUP(buf_deinit)
    struct buf message = message_of(BYTES("\x0a\x05\x0a\x01"
                                          "a\x10\x01\x0a\x03\x0a\x01"
                                          "b\x0a\x00"));
    size_t visited = 0;
    struct error err;

    (void)state;
    assert_false(
        content_wire_list(&message, &arena, &(struct content_visitor){visit_two, &visited}, &err));
    assert_int_equal(visited, 2);
    assert_int_equal(err.code, ERROR_LIMIT);
}

static void filters_by_digest(void **state)
{
    static const char *const digests[] = {"sha256:a", "sha256:b"};
    static const char expected[] = "\x0a\x12"
                                   "digest==\"sha256:a\""
                                   "\x0a\x12"
                                   "digest==\"sha256:b\"";
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    CLEANUP(arena_deinit) struct arena full = ARENA_INIT(1);
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(LIMIT_BYTES);
    struct error err;

    (void)state;
    content_wire_find(&request, digests, 2, &arena);
    assert_int_equal(request.size, sizeof(expected) - 1);
    assert_memory_equal(request.data, expected, request.size);
    content_wire_find(&request, digests, 2, &full);
    assert_int_equal(request.size, 0);
    assert_false(arena_ok(&full, &err));
}

struct seen {
    size_t count;
    struct content_record records[4];
    char label[32];
};

static bool remember(void *arg, const struct content_record *record, struct error *err)
{
    struct seen *seen = arg;
    const char *value = labels_get(&record->labels, "k");

    (void)err;
    assert_in_range(seen->count, 0, 3);
    if (value)
        snprintf(seen->label, sizeof(seen->label), "%s", value);
    seen->records[seen->count++] = *record;
    return true;
}

static void reads_records_with_creation_times(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    CLEANUP(buf_deinit)
    struct buf message = message_of(
        BYTES("\x0a\x13\x0a\x01"
              "x\x10\x2a\x1a\x04\x08\x02\x10\x07\x2a\x06\x0a\x01"
              "k\x12\x01v"
              "\x0a\x12\x0a\x01"
              "y\x1a\x0d\x08\x80\x92\xb8\xc3\x98\xfe\xff\xff\xff\x01\x10\x01" /* year 1 */
              "\x0a\x0f\x0a\x01"
              "z\x1a\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f"));
    CLEANUP(buf_deinit) struct buf broken = message_of(BYTES("\x0a\x09\x0a"));
    struct seen seen = {0};
    struct content_record_visitor visitor = {remember, &seen};
    struct error err;

    (void)state;
    assert_true(content_wire_records(&message, &arena, &visitor, &err));
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.records[0].size, 42);
    assert_true(seen.records[0].created_unix_ns == INT64_C(2000000007));
    assert_string_equal(seen.label, "v");
    assert_true(seen.records[1].created_unix_ns == 0);
    assert_true(seen.records[2].created_unix_ns == 0);
    assert_false(content_wire_records(&broken, &arena, &visitor, &err));
    assert_int_equal(err.code, ERROR_PROTOCOL);
}

static void reads_names_of_ingests(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf none = message_of(BYTES(""));
    CLEANUP(buf_deinit)
    struct buf two = message_of(BYTES("\x0a\x03\x1a\x01"
                                      "x\x0a\x03\x1a\x01"
                                      "y"));
    CLEANUP(buf_deinit) struct buf request = BUF_INIT(LIMIT_BYTES);
    struct ingests refs;
    struct error err;

    (void)state;
    assert_true(content_wire_ingests(&none, &arena, &refs, &err));
    assert_int_equal(refs.count, 0);
    assert_true(content_wire_ingests(&two, &arena, &refs, &err));
    assert_int_equal(refs.count, 2);
    assert_string_equal(refs.items[0].ref, "x");
    assert_string_equal(refs.items[1].ref, "y");
    containerd_wire_name(&request, refs.items[1].ref);
    assert_memory_equal(request.data,
                        "\x0a\x01"
                        "y",
                        3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_data_of_a_chunk),
        cmocka_unit_test(points_into_the_message),
        cmocka_unit_test(refuses_an_invalid_chunk),
        cmocka_unit_test(writes_a_request_without_its_data),
        cmocka_unit_test(a_commit_has_digest_and_labels),
        cmocka_unit_test(reads_replies_of_the_daemon),
        cmocka_unit_test(reads_the_size_of_a_blob),
        cmocka_unit_test(a_list_ends_with_the_error_of_the_visitor),
        cmocka_unit_test(filters_by_digest),
        cmocka_unit_test(reads_records_with_creation_times),
        cmocka_unit_test(reads_names_of_ingests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
