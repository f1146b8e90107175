/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Transfer service, and the sums of its progress and log. */
#include "containerd/transfer/transfer_log.h"
#include "containerd/transfer/transfer_progress.h"
#include "containerd/wire/transfer_wire.h"
#include "support/wire_fixture.h"

#define A    "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B    "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define M    "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define NAME "registry.example/canary/image:1"

static const struct platform arm = {.os = "linux", .architecture = "arm", .variant = "v7"};

static void put_any(struct buf *out, unsigned field, const char *type, struct buf *value)
{
    CLEANUP(buf_deinit) struct buf any = BUF_INIT(LIMIT_BYTES);

    put_text(&any, 1, type);
    put_part(&any, 2, value);
    put_part(out, field, &any);
}

static void put_platform(struct buf *out, unsigned field)
{
    CLEANUP(buf_deinit) struct buf platform = BUF_INIT(LIMIT_BYTES);

    put_text(&platform, 1, "linux");
    put_text(&platform, 2, "arm");
    put_text(&platform, 3, "v7");
    put_part(out, field, &platform);
}

static void assert_same(const struct buf *got, const struct buf *expected)
{
    assert_int_equal(got->size, expected->size);
    assert_memory_equal(got->data, expected->data, got->size);
}

static void a_pull_has_all_fields(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf inner = BUF_INIT(LIMIT_BYTES);
    const struct transfer pull = {
        .reference = NAME,
        .name = NAME,
        .hosts_dir = "/etc/certs.d",
        .default_scheme = "http",
        .platform = &arm,
        .unpack = true,
        .snapshotter = "native",
    };
    const struct transfer_streams streams = {.progress = "p", .auth = "a", .log = "l"};

    put_text(&inner, 1, "a");
    put_text(&inner, 3, "/etc/certs.d");
    put_text(&inner, 4, "http");
    put_number(&inner, 5, 1);
    put_text(&inner, 6, "l");
    put_text(&f->part, 1, NAME);
    put_part(&f->part, 2, &inner);
    put_any(&f->message, 1, "containerd.types.transfer.OCIRegistry", &f->part);
    put_text(&f->part, 1, NAME);
    put_platform(&f->part, 3);
    put_platform(&inner, 1);
    put_text(&inner, 2, "native");
    put_part(&f->part, 10, &inner);
    put_any(&f->message, 2, "containerd.types.transfer.ImageStore", &f->part);
    put_text(&f->part, 1, "p");
    put_part(&f->message, 3, &f->part);
    assert_true(transfer_wire_request(&out, &pull, &streams, false, &f->err));
    assert_same(&out, &f->message);
}

static void empty_lists_mean_all_platforms_and_no_unpacking(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf inner = BUF_INIT(LIMIT_BYTES);
    const struct transfer pull = {.reference = NAME,
                                  .name = NAME,
                                  .hosts_dir = "",
                                  .default_scheme = "",
                                  .platform = &arm,
                                  .all_platforms = true,
                                  .snapshotter = "native"};
    const struct transfer_streams streams = {.progress = "", .auth = "a", .log = ""};

    put_text(&inner, 1, "a");
    put_text(&f->part, 1, NAME);
    put_part(&f->part, 2, &inner);
    put_any(&f->message, 1, "containerd.types.transfer.OCIRegistry", &f->part);
    put_text(&f->part, 1, NAME);
    put_any(&f->message, 2, "containerd.types.transfer.ImageStore", &f->part);
    put_part(&f->message, 3, &f->part);
    assert_true(transfer_wire_request(&out, &pull, &streams, false, &f->err));
    assert_same(&out, &f->message);
}

/* Source and destination are swapped, and nothing is unpacked. */
static void a_push_swaps_source_and_destination(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf inner = BUF_INIT(LIMIT_BYTES);
    const struct transfer push = {
        .reference = NAME,
        .name = "a record",
        .hosts_dir = "/etc/certs.d",
        .default_scheme = "",
        .platform = &arm,
        .unpack = true,
        .snapshotter = "native",
    };
    const struct transfer_streams streams = {.progress = "p", .auth = "a", .log = ""};

    put_text(&f->part, 1, "a record");
    put_platform(&f->part, 3);
    put_any(&f->message, 1, "containerd.types.transfer.ImageStore", &f->part);
    put_text(&inner, 1, "a");
    put_text(&inner, 3, "/etc/certs.d");
    put_text(&f->part, 1, NAME);
    put_part(&f->part, 2, &inner);
    put_any(&f->message, 2, "containerd.types.transfer.OCIRegistry", &f->part);
    put_text(&f->part, 1, "p");
    put_part(&f->message, 3, &f->part);
    assert_true(transfer_wire_request(&out, &push, &streams, true, &f->err));
    assert_same(&out, &f->message);
}

static void writes_credentials(void **state)
{
    struct fixture *f = *state;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);

    transfer_wire_auth_response(&out, TRANSFER_AUTH_CREDENTIALS, "user", "word");
    put_number(&f->message, 1, 1);
    put_text(&f->message, 2, "word");
    put_text(&f->message, 3, "user");
    assert_same(&out, &f->message);
    transfer_wire_auth_response(&out, TRANSFER_AUTH_REFRESH, "", "token");
    buf_clear(&f->message);
    put_number(&f->message, 1, 2);
    put_text(&f->message, 2, "token");
    assert_same(&out, &f->message);
    transfer_wire_auth_response(&out, TRANSFER_AUTH_NONE, "", "");
    assert_int_equal(out.size, 0);
}

static void reads_nested_messages(void **state)
{
    struct fixture *f = *state;
    struct transfer_message message;
    struct transfer_event event;
    const char *host, *text;

    put_text(&f->part, 1, "downloading");
    put_text(&f->part, 2, "layer-" A);
    put_text(&f->part, 3, "a parent");
    put_number(&f->part, 4, 5);
    put_number(&f->part, 5, 7);
    put_text(&f->message, 1, TRANSFER_TYPE_PROGRESS);
    put_part(&f->message, 2, &f->part);
    assert_true(transfer_wire_message(&f->message, &f->arena, &message, &f->err));
    assert_string_equal(message.type, TRANSFER_TYPE_PROGRESS);
    assert_true(transfer_wire_progress(&message.value, &f->arena, &event, &f->err));
    assert_string_equal(event.what, "downloading");
    assert_string_equal(event.name, "layer-" A);
    assert_int_equal(event.bytes, 5);
    assert_int_equal(event.total, 7);

    put_text(&f->part, 1, "registry.example");
    put_text(&f->part, 2, NAME);
    assert_true(transfer_wire_auth_request(&f->part, &f->arena, &host, &f->err));
    assert_string_equal(host, "registry.example");

    buf_clear(&f->part);
    put_bytes(&f->part, 1, "ab\0c", 4);
    assert_true(transfer_wire_data(&f->part, &f->arena, &text, &f->err));
    assert_string_equal(text, "ab");
}

static void negative_sizes_are_zero(void **state)
{
    struct fixture *f = *state;
    struct transfer_event event;

    put_number(&f->message, 4, -1);
    put_number(&f->message, 5, INT64_MIN);
    assert_true(transfer_wire_progress(&f->message, &f->arena, &event, &f->err));
    assert_int_equal(event.bytes, 0);
    assert_int_equal(event.total, 0);
}

static void refuses_an_invalid_message(void **state)
{
    struct fixture *f = *state;
    struct transfer_message message;

    buf_append_str(&f->message, "\x0a\x7f");
    assert_false(transfer_wire_message(&f->message, &f->arena, &message, &f->err));
    assert_int_equal(f->err.code, ERROR_PROTOCOL);
}

static void add_event(struct transfer_progress *progress, int64_t at_ns, const char *what,
                      const char *name, uint64_t bytes)
{
    const struct transfer_event event = {
        .what = what, .name = name, .bytes = bytes, .total = 100, .at_ns = at_ns};

    transfer_progress_add(progress, &event);
}

static void phases_end_with_their_events(void **state)
{
    CLEANUP(transfer_progress_deinit) struct transfer_progress p = TRANSFER_PROGRESS_INIT;

    (void)state;
    add_event(&p, 1, "Resolving from OCI Registry (x)", "", 0);
    assert_int_equal(p.resolved_ns, 0);
    add_event(&p, 2, "Pulling from OCI Registry (x)", "", 0);
    add_event(&p, 3, "waiting", "layer-" A, 0);
    add_event(&p, 4, "downloading", "layer-" A, 50);
    add_event(&p, 5, "complete", "layer-" A, 100);
    assert_int_equal(p.unpack_from_ns, 0);
    add_event(&p, 6, "extracting", "layer-" A, 0);
    add_event(&p, 7, "extracting", "layer-" A, 0);
    add_event(&p, 8, "extracted", "layer-" A, 100);
    add_event(&p, 9, "Completed pull from OCI Registry (x)", "", 0);
    assert_int_equal(p.resolved_ns, 2);
    assert_int_equal(p.fetched_ns, 5);
    assert_int_equal(p.unpack_from_ns, 6);
    assert_int_equal(p.unpack_till_ns, 8);
    assert_int_equal(p.n_layers, 1);
}

static void bytes_are_counted_once_for_each_digest(void **state)
{
    CLEANUP(transfer_progress_deinit) struct transfer_progress p = TRANSFER_PROGRESS_INIT;

    (void)state;
    add_event(&p, 1, "waiting", "layer-" A, 0);
    add_event(&p, 2, "downloading", "layer-" A, 70);
    add_event(&p, 3, "downloading", "layer-" A, 60);
    add_event(&p, 4, "already exists", "layer-" A, 100); /* a second time in the same manifest */
    add_event(&p, 5, "already exists", "config-" B, 100);
    add_event(&p, 6, "already exists", "config-" B, 100);
    add_event(&p, 7, "saved", "layer:no-blob", 100);
    assert_int_equal(transfer_progress_seen_bytes(&p), 100);
    assert_int_equal(transfer_progress_existing_bytes(&p), 100);
    assert_int_equal(p.n_layers, 1);
}

static void complete_alone_counts_no_bytes(void **state)
{
    CLEANUP(transfer_progress_deinit) struct transfer_progress p = TRANSFER_PROGRESS_INIT;

    (void)state;
    add_event(&p, 1, "waiting", "layer-" A, 0);
    add_event(&p, 2, "complete", "layer-" A, 100);
    assert_int_equal(transfer_progress_seen_bytes(&p), 0);
    assert_int_equal(transfer_progress_existing_bytes(&p), 0);
}

static struct transfer_blob *find_blob(struct transfer_progress *progress, const char *digest)
{
    uint64_t index = 0;

    assert_true(name_map_find(&progress->indices, digest, &index));
    return &progress->blobs[index];
}

static void a_push_sends_blobs_that_the_registry_lacks(void **state)
{
    CLEANUP(transfer_progress_deinit) struct transfer_progress p = TRANSFER_PROGRESS_INIT;

    (void)state;
    add_event(&p, 1, "Pushing to OCI Registry (x)", "", 0);
    add_event(&p, 2, "waiting", "manifest-1@" M, 0);
    add_event(&p, 3, "waiting", "layer-" A, 0);
    add_event(&p, 4, "waiting", "config-" B, 0);
    find_blob(&p, A)->total = 100; /* a size alone moves nothing */
    assert_int_equal(transfer_progress_sent_bytes(&p), 0);
    assert_int_equal(transfer_progress_known_bytes(&p), 0);
    add_event(&p, 5, "already exists", "config-" B, 100);
    add_event(&p, 6, "uploading", "layer-" A, 40);
    assert_int_equal(transfer_progress_sent_bytes(&p), 40);
    assert_int_equal(p.commit_from_ns, 0);
    add_event(&p, 7, "uploading", "manifest-1@" M, 10);
    add_event(&p, 8, "complete", "layer-" A, 100);
    add_event(&p, 9, "already exists", "layer-" A, 100); /* a second time in the same manifest */
    add_event(&p, 10, "complete", "manifest-" M, 100);
    assert_int_equal(p.commit_from_ns, 7);
    assert_int_equal(transfer_progress_sent_bytes(&p), 200);
    assert_int_equal(transfer_progress_known_bytes(&p), 100);
}

static void an_existing_manifest_is_not_committed(void **state)
{
    CLEANUP(transfer_progress_deinit) struct transfer_progress p = TRANSFER_PROGRESS_INIT;

    (void)state;
    add_event(&p, 1, "waiting", "index-" M, 0);
    add_event(&p, 2, "already exists", "index-" M, 100);
    assert_int_equal(p.commit_from_ns, 0);
    assert_int_equal(transfer_progress_known_bytes(&p), 100);
}

static void a_blob_named_twice_existed_if_reported_twice(void **state)
{
    CLEANUP(transfer_progress_deinit) struct transfer_progress p = TRANSFER_PROGRESS_INIT;

    (void)state;
    transfer_progress_expect(&p, A);
    transfer_progress_expect(&p, A);
    assert_int_equal(transfer_progress_known_bytes(&p), 0);
    add_event(&p, 1, "waiting", "layer-" A, 0);
    add_event(&p, 2, "already exists", "layer-" A, 100);
    assert_int_equal(transfer_progress_sent_bytes(&p), 100);
    assert_int_equal(transfer_progress_known_bytes(&p), 0);
    add_event(&p, 3, "already exists", "layer-" A, 100);
    assert_int_equal(transfer_progress_sent_bytes(&p), 0);
    assert_int_equal(transfer_progress_known_bytes(&p), 100);
}

static void blobs_above_the_limit_are_left_out(void **state)
{
    CLEANUP(transfer_progress_deinit) struct transfer_progress p = TRANSFER_PROGRESS_INIT;
    char name[32];

    (void)state;
    for (size_t i = 0; i < TRANSFER_BLOBS_MAX + 10; i++) {
        snprintf(name, sizeof(name), "layer-x:%zu", i);
        add_event(&p, 1, "already exists", name, 100);
    }
    assert_int_equal(transfer_progress_existing_bytes(&p), 100 * TRANSFER_BLOBS_MAX);
}

static void finds_the_host_that_served_the_manifest(void **state)
{
    struct transfer_log log = {0};

    (void)state;
    transfer_log_add(&log, "HEAD /v2/a/manifests/1?ns=x HTTP/1.1\r\nHost: dead.example\r\n\r\n");
    transfer_log_add(&log, "HTTP/1.1 503 Service Unavailable\r\n\r\n");
    assert_string_equal(log.served_by, "");
    transfer_log_add(&log, "HEAD /v2/a/manifests/1 HTTP/1.1\r\nHost: mirror.example:5000\r\n"
                           "User-Agent: x\r\n\r\n");
    transfer_log_add(&log, "HTTP/1.1 401 Unauthorized\r\n\r\n");
    transfer_log_add(&log, "GET /token HTTP/1.1\r\nHost: tokens.example\r\n\r\n");
    transfer_log_add(&log, "HTTP/1.1 200 OK\r\n\r\n{}");
    assert_string_equal(log.served_by, "");
    transfer_log_add(&log, "HEAD /v2/a/manifests/1 HTTP/1.1\nHost: mirror.example:5000\n\n");
    transfer_log_add(&log, "HTTP/2.0 200 OK\r\n\r\n");
    assert_string_equal(log.served_by, "mirror.example:5000");
    assert_false(log.fetches);
    transfer_log_add(&log, "GET /v2/a/blobs/" A " HTTP/1.1\r\nHost: other\r\n\r\n");
    assert_true(log.fetches);
    transfer_log_add(&log, "HTTP/1.1 200 OK\r\n\r\n");
    assert_string_equal(log.served_by, "mirror.example:5000");
}

static void a_truncated_log_is_harmless(void **state)
{
    static const char *const pieces[] = {"",
                                         "HEAD /v2/a/manifests/1",
                                         "HTTP/",
                                         "HTTP/1.1",
                                         "HEAD /manifests/ x\nHost: ",
                                         "GET /",
                                         "HTTP/1.1 abc"};
    struct transfer_log log = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
        transfer_log_add(&log, pieces[i]);
    transfer_log_add(&log, "GET /v2/ HTTP/1.1\r\nHost: x\r\nA: /manifests/ /blobs/\r\n\r\n");
    assert_false(log.fetches);
    assert_string_equal(log.served_by, "");
}

static void rules_depend_on_the_version(void **state)
{
    (void)state;
    assert_false(transfer_rules_of("1.6.20~ds1")->transfers);
    assert_false(transfer_rules_of("1.6.20~ds1")->reads_hosts);
    assert_false(transfer_rules_of("1.6.20~ds1")->logs);
    assert_true(transfer_rules_of("v1.7.24")->transfers);
    assert_false(transfer_rules_of("1.7.24~ds1")->reads_hosts);
    assert_true(transfer_rules_of("2.0.1")->reads_hosts);
    assert_false(transfer_rules_of("2.0.1")->logs);
    assert_true(transfer_rules_of("2.1.9+unknown")->logs);
    assert_true(transfer_rules_of("a build of one's own")->logs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pull_has_all_fields),
        TEST(empty_lists_mean_all_platforms_and_no_unpacking),
        TEST(a_push_swaps_source_and_destination),
        TEST(writes_credentials),
        TEST(reads_nested_messages),
        TEST(negative_sizes_are_zero),
        TEST(refuses_an_invalid_message),
        cmocka_unit_test(phases_end_with_their_events),
        cmocka_unit_test(bytes_are_counted_once_for_each_digest),
        cmocka_unit_test(complete_alone_counts_no_bytes),
        cmocka_unit_test(a_push_sends_blobs_that_the_registry_lacks),
        cmocka_unit_test(an_existing_manifest_is_not_committed),
        cmocka_unit_test(a_blob_named_twice_existed_if_reported_twice),
        cmocka_unit_test(blobs_above_the_limit_are_left_out),
        cmocka_unit_test(finds_the_host_that_served_the_manifest),
        cmocka_unit_test(a_truncated_log_is_harmless),
        cmocka_unit_test(rules_depend_on_the_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
