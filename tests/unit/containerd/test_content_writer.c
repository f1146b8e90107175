/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads and reads of blobs against a fake daemon: the chunks, and a failure at each step. */
#include "containerd/content_reader.h"
#include "containerd/content_writer.h"
#include "support/containerd_fixture.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define CHUNK_BYTES  ((size_t)1 << 20) /* of the writer */

static const struct labels no_labels;

/* Bytes that differ from chunk to chunk, and their digest. */
static char *make_data(size_t size, char digest[DIGEST_TEXT_BYTES])
{
    char *data = malloc(size + 1);
    struct error err;

    assert_non_null(data);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i % 251 + i / CHUNK_BYTES);
    assert_true(digest_of(data, size, digest, &err));
    return data;
}

static void check_content(struct containerd_fixture *f, const char *digest, const char *data,
                          size_t size)
{
    const struct fake_item *item = fake_containerd_find(f->fake, FAKE_CONTENT, SPACE, digest);

    assert_non_null(item);
    assert_int_equal(item->size, size);
    assert_memory_equal(item->data, data, size);
}

static void writes_blobs_in_chunks(void **state)
{
    static const struct {
        size_t size;
        unsigned n_messages;
    } rows[] = {
        {0, 0},
        {1, 1},
        {CHUNK_BYTES - 1, 1},
        {CHUNK_BYTES, 1},
        {CHUNK_BYTES + 1, 2},
        {2 * CHUNK_BYTES + 5, 3},
    };
    struct containerd_fixture *f = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        char digest[DIGEST_TEXT_BYTES];
        CLEANUP(freep) char *data = make_data(rows[i].size, digest);
        const struct content_info info = {digest, rows[i].size};

        call_log_clear(&f->log);
        assert_true(content_put(&f->scope, "ref", &info, data, &no_labels, &f->cancel, &f->err));
        check_content(f, digest, data, rows[i].size);
        assert_int_equal(call_log_count(&f->log, "Content/Write/stat ref"), 1);
        assert_int_equal(call_log_count(&f->log, "Content/Write/data ref"), rows[i].n_messages);
        assert_int_equal(call_log_count(&f->log, "Content/Write/commit sha256:"), 1);
        assert_int_equal(call_log_count(&f->log, ""), rows[i].n_messages + 2);
    }
}

static void joins_small_writes(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(content_writer_freep) struct content_writer *writer = NULL;
    struct scope scope = {f->daemon, SPACE, "l"};
    struct label label = {"k", "v"};
    const struct labels labels = {&label, 1};
    char digest[DIGEST_TEXT_BYTES];
    CLEANUP(freep) char *data = make_data(3000, digest);
    const struct fake_item *item;

    writer = content_writer_open(&scope, "ref", 3000, &f->cancel, &f->err);
    assert_non_null(writer);
    for (size_t at = 0; at < 3000; at += 1000)
        assert_true(content_writer_sink(writer, data + at, 1000, &f->err));
    assert_true(content_writer_commit(writer, digest, &labels, &f->err));
    assert_int_equal(call_log_count(&f->log, "Content/Write/data ref"), 1);
    assert_int_equal(call_log_count(&f->log, ""), 3);
    item = fake_containerd_find(f->fake, FAKE_CONTENT, SPACE, digest);
    assert_string_equal(item->lease, "l");
    assert_string_equal(item->labels[0].value, "v");
}

static void a_blob_that_exists_is_success(void **state)
{
    struct containerd_fixture *f = *state;
    char digest[DIGEST_TEXT_BYTES];
    CLEANUP(freep) char *data = make_data(10, digest);
    const struct content_info info = {digest, 10};

    for (size_t i = 0; i < 2; i++)
        assert_true(content_put(&f->scope, "ref", &info, data, &no_labels, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_NONE);
}

static void an_ingest_with_bytes_is_not_cold(void **state)
{
    struct containerd_fixture *f = *state;

    fake_containerd_add(f->fake, FAKE_INGEST, SPACE, "ref")->size = 5;
    assert_null(content_writer_open(&f->scope, "ref", 10, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_NOT_COLD);
    assert_non_null(strstr(f->err.message, "5 bytes of ingest ref"));
}

static void reports_a_failure_of_each_step(void **state)
{
    static const char *const steps[] = {"Content/Write/stat", "Content/Write/data",
                                        "Content/Write/commit"};
    struct containerd_fixture *f = *state;
    char digest[DIGEST_TEXT_BYTES];
    CLEANUP(freep) char *data = make_data(3 * CHUNK_BYTES, digest);
    const struct content_info info = {digest, 3 * CHUNK_BYTES};

    for (size_t i = 0; i < COUNT(steps); i++)
        for (size_t late = 0; late < 2; late++) {
            fake_containerd_reset(f->fake);
            containerd_fixture_fail(f, steps[i], RPC_UNKNOWN);
            f->log.fail_late = late;
            f->log.fail_words = "no space left on device";
            assert_false(
                content_put(&f->scope, "ref", &info, data, &no_labels, &f->cancel, &f->err));
            assert_int_equal(f->err.code, ERROR_NO_SPACE);
            assert_memory_equal(f->err.message, "Content/Write: ", 15);
            if (i < 2)
                assert_false(call_log_has(&f->log, "Content/Write/commit"));
        }
}

static void a_wrong_digest_is_not_committed(void **state)
{
    struct containerd_fixture *f = *state;
    char digest[DIGEST_TEXT_BYTES], other[DIGEST_TEXT_BYTES];
    CLEANUP(freep) char *data = make_data(10, digest);
    CLEANUP(freep) char *unused = make_data(11, other);
    const struct content_info info = {other, 10};

    assert_false(content_put(&f->scope, "ref", &info, data, &no_labels, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_DIGEST_MISMATCH);
    assert_null(fake_containerd_find(f->fake, FAKE_CONTENT, SPACE, other));
}

static void refuses_a_commit_with_labels_that_do_not_fit(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(freep) char *value = calloc(1, 70001);
    char digest[DIGEST_TEXT_BYTES];
    CLEANUP(freep) char *data = make_data(10, digest);
    const struct content_info info = {digest, 10};
    struct label label = {"k", value};
    const struct labels labels = {&label, 1};

    memset(value, 'x', 70000);
    assert_false(content_put(&f->scope, "ref", &info, data, &labels, &f->cancel, &f->err));
    assert_int_equal(f->err.code, ERROR_LIMIT);
    assert_false(call_log_has(&f->log, "Content/Write/commit"));
}

static void refuses_writes_after_a_failure(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(content_writer_freep) struct content_writer *writer = NULL;
    char digest[DIGEST_TEXT_BYTES];
    CLEANUP(freep) char *data = make_data(CHUNK_BYTES, digest);
    bool ok = true;

    writer = content_writer_open(&f->scope, "ref", 0, &f->cancel, &f->err);
    assert_non_null(writer);
    containerd_fixture_fail(f, "Content/Write/data", RPC_INTERNAL);
    for (size_t i = 0; i < 3 && ok; i++) /* the daemon's failure shows one call later */
        ok = content_writer_write(writer, data, CHUNK_BYTES, &f->err);
    assert_false(ok);
    assert_false(content_writer_write(writer, data, 1, &f->err));
    assert_int_equal(f->err.code, ERROR_INTERNAL);
}

static void shares_a_blob_of_another_namespace(void **state)
{
    struct containerd_fixture *f = *state;
    char digest[DIGEST_TEXT_BYTES];
    CLEANUP(freep) char *data = make_data(10, digest);
    const struct content_info info = {digest, 10};
    struct fake_item *item = fake_containerd_add(f->fake, FAKE_CONTENT, "other", digest);
    bool shared = false;

    item->size = 10;
    item->data = TAKE(data);
    assert_true(content_share(&f->scope, "ref", &info, &no_labels, &shared, &f->cancel, &f->err));
    assert_true(shared);
    check_content(f, digest, item->data, 10);
    assert_false(call_log_has(&f->log, "Content/Write/data"));
    shared = false;
    assert_true(content_share(&f->scope, "ref", &info, &no_labels, &shared, &f->cancel, &f->err));
    assert_true(shared); /* the namespace has it now */
    assert_int_equal(f->err.code, ERROR_NONE);
}

static void does_not_share_in_an_isolated_daemon(void **state)
{
    struct containerd_fixture *f = *state;
    char digest[DIGEST_TEXT_BYTES];
    CLEANUP(freep) char *data = make_data(10, digest);
    const struct content_info info = {digest, 10};
    bool shared = true;

    fake_containerd_add(f->fake, FAKE_CONTENT, "other", digest)->data = TAKE(data);
    f->fake->isolated = true;
    assert_true(content_share(&f->scope, "ref", &info, &no_labels, &shared, &f->cancel, &f->err));
    assert_false(shared);
    assert_calls(f, "Content/Write/stat ref\n");
    shared = true;
    containerd_fixture_fail(f, "Content/Write/stat", RPC_INTERNAL);
    assert_false(content_share(&f->scope, "ref", &info, &no_labels, &shared, &f->cancel, &f->err));
    assert_false(shared);
}

/* Reads everything in pieces of at most `piece` bytes. */
static size_t read_all(struct containerd_fixture *f, const char *digest, size_t piece, char *out)
{
    CLEANUP(content_reader_freep) struct content_reader *reader = NULL;
    size_t at = 0, n;

    reader = content_reader_open(&f->scope, digest, &f->cancel, &f->err);
    assert_non_null(reader);
    do {
        assert_true(content_reader_read(reader, out + at, piece, &n, &f->err));
        assert_in_range(n, 0, piece);
        at += n;
    } while (n > 0);
    assert_true(content_reader_read(reader, out + at, piece, &n, &f->err)); /* still the end */
    assert_int_equal(n, 0);
    return at;
}

static void reads_at_the_pace_of_the_caller(void **state)
{
    static const size_t pieces[] = {7000, 65536, 1 << 20};
    struct containerd_fixture *f = *state;
    char digest[DIGEST_TEXT_BYTES];
    const size_t size = 200000;
    CLEANUP(freep) char *data = make_data(size, digest);
    CLEANUP(freep) char *out = malloc(size + (1 << 20));
    struct fake_item *item = fake_containerd_add(f->fake, FAKE_CONTENT, SPACE, digest);

    item->size = size;
    item->data = malloc(size);
    memcpy(item->data, data, size);
    for (size_t i = 0; i < COUNT(pieces); i++) {
        assert_int_equal(read_all(f, digest, pieces[i], out), size);
        assert_memory_equal(out, data, size);
    }
}

static void reports_a_failed_read(void **state)
{
    struct containerd_fixture *f = *state;
    CLEANUP(content_reader_freep) struct content_reader *reader = NULL;
    char digest[DIGEST_TEXT_BYTES], out[10];
    CLEANUP(freep) char *data = make_data(10, digest);
    size_t n = 1;

    reader = content_reader_open(&f->scope, digest, &f->cancel, &f->err);
    assert_non_null(reader);
    assert_false(content_reader_read(reader, out, sizeof(out), &n, &f->err));
    assert_int_equal(f->err.code, ERROR_NOT_FOUND);
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(writes_blobs_in_chunks),
        TEST(joins_small_writes),
        TEST(a_blob_that_exists_is_success),
        TEST(an_ingest_with_bytes_is_not_cold),
        TEST(reports_a_failure_of_each_step),
        TEST(a_wrong_digest_is_not_committed),
        TEST(refuses_a_commit_with_labels_that_do_not_fit),
        TEST(refuses_writes_after_a_failure),
        TEST(shares_a_blob_of_another_namespace),
        TEST(does_not_share_in_an_isolated_daemon),
        TEST(reads_at_the_pace_of_the_caller),
        TEST(reports_a_failed_read),
    };

    return RUN(tests);
}
