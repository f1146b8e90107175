/* SPDX-License-Identifier: Apache-2.0 */
/* What dockerd tells while it pulls or pushes, in the forms that engines of several makers give it.
 */
#include "docker/docker_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct docker_stream *make(void)
{
    struct docker_stream *stream = malloc(sizeof(*stream));

    assert_non_null(stream);
    docker_stream_init(stream);
    return stream;
}

static void drop(struct docker_stream *stream)
{
    docker_stream_deinit(stream);
    free(stream);
}

/* Line number n comes at the time n. */
static bool feed(struct docker_stream *stream, const char *const *lines, struct error *err)
{
    for (int64_t now_ns = 1; *lines; lines++, now_ns++)
        if (!docker_stream_feed(stream, *lines, strlen(*lines), now_ns, err) ||
            !docker_stream_feed(stream, "\r\n", 2, now_ns, err))
            return false;
    return docker_stream_end(stream, 1000, err);
}

static void counts_layers_and_bytes(void **state)
{
    static const char *const lines[] = {
        "{\"status\":\"Pulling from a/b\",\"id\":\"1\"}",
        "{\"status\":\"Already exists\",\"progressDetail\":{},\"id\":\"aaaaaaaaaaaa\"}",
        "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"bbbbbbbbbbbb\"}",
        "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"cccccccccccc\"}",
        "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"dddddddddddd\"}",
        "{\"status\":\"Waiting\",\"progressDetail\":{},\"id\":\"dddddddddddd\"}",
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":10,\"total\":300},"
        "\"progress\":\"[=>  ]\",\"id\":\"bbbbbbbbbbbb\"}",
        "{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"bbbbbbbbbbbb\"}",
        "{\"status\":\"Verifying Checksum\",\"progressDetail\":{},\"id\":\"cccccccccccc\"}",
        "{\"status\":\"Extracting\",\"progressDetail\":{\"current\":5,\"total\":50},"
        "\"id\":\"cccccccccccc\"}",
        "{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"dddddddddddd\"}",
        "{\"status\":\"Pull complete\",\"progressDetail\":{},\"id\":\"dddddddddddd\"}",
        "{\"status\":\"Digest: " DIGEST "\"}",
        "{\"status\":\"Status: Downloaded newer image for a/b:1\"}",
        NULL,
    };
    struct docker_stream *stream = make();
    struct docker_stream_totals totals;
    struct error err = {0};

    (void)state;
    assert_true(feed(stream, lines, &err));
    docker_stream_sum(stream, &totals);
    assert_int_equal(stream->n_layers, 4);
    assert_int_equal(totals.moved_bytes, 350);
    assert_int_equal(totals.n_existed, 1);
    assert_int_equal(totals.n_unknown, 1);
    assert_int_equal(stream->retries, 0);
    assert_string_equal(stream->digest, DIGEST);
    assert_int_equal(stream->first_layer_ns, 2);
    assert_int_equal(stream->moved_ns, 11);
    drop(stream);
}

/* As Docker 20.10 does it, highest layer first; sizes of tars, which are more than their files. */
static void counts_what_is_pushed(void **state)
{
    static const char *const lines[] = {
        "{\"status\":\"The push refers to repository [a/b]\"}",
        "{\"status\":\"Preparing\",\"progressDetail\":{},\"id\":\"dddddddddddd\"}",
        "{\"status\":\"Preparing\",\"progressDetail\":{},\"id\":\"cccccccccccc\"}",
        "{\"status\":\"Preparing\",\"progressDetail\":{},\"id\":\"bbbbbbbbbbbb\"}",
        "{\"status\":\"Preparing\",\"progressDetail\":{},\"id\":\"aaaaaaaaaaaa\"}",
        "{\"status\":\"Waiting\",\"progressDetail\":{},\"id\":\"aaaaaaaaaaaa\"}",
        "{\"status\":\"Pushing\",\"progressDetail\":{\"current\":512,\"total\":2000},"
        "\"id\":\"dddddddddddd\"}",
        "{\"status\":\"Pushing\",\"progressDetail\":{\"current\":10240,\"total\":2000},"
        "\"id\":\"dddddddddddd\"}",
        "{\"status\":\"Layer already exists\",\"progressDetail\":{},\"id\":\"cccccccccccc\"}",
        "{\"status\":\"Pushed\",\"progressDetail\":{},\"id\":\"dddddddddddd\"}",
        "{\"status\":\"Pushed\",\"progressDetail\":{},\"id\":\"bbbbbbbbbbbb\"}",
        "{\"status\":\"Mounted from library/x\",\"progressDetail\":{},\"id\":\"aaaaaaaaaaaa\"}",
        "{\"status\":\"v1: digest: " DIGEST " size: 949\"}",
        "{\"progressDetail\":{},\"aux\":{\"Tag\":\"v1\",\"Digest\":\"" DIGEST "\",\"Size\":949}}",
        NULL,
    };
    struct docker_stream *stream = make();
    struct docker_stream_totals totals;
    struct error err = {0};

    (void)state;
    assert_true(feed(stream, lines, &err));
    docker_stream_sum(stream, &totals);
    assert_int_equal(stream->n_layers, 4);
    assert_string_equal(stream->layers[0].id, "dddddddddddd");
    assert_int_equal(totals.moved_bytes, 10240);
    assert_int_equal(totals.n_existed, 2);
    assert_int_equal(totals.n_unknown, 1);
    assert_true(stream->layers[3].existed);
    assert_string_equal(stream->digest, DIGEST);
    assert_int_equal(stream->moved_ns, 11);
    assert_int_equal(stream->last_layer_ns, 12);
    drop(stream);
}

static void reads_the_digest_of_a_push_from_either_line(void **state)
{
    static const char *const lines[][2] = {
        {"{\"status\":\"v1: digest: " DIGEST " size: 949\"}", NULL},
        {"{\"status\":\"v1: digest: " DIGEST "\"}", NULL},
        {"{\"aux\":{\"Digest\":\"" DIGEST "\"}}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct docker_stream *stream = make();
        struct error err = {0};

        assert_true(feed(stream, lines[i], &err));
        assert_string_equal(stream->digest, DIGEST);
        drop(stream);
    }
}

static void rejects_two_different_digests(void **state)
{
    static const char *const lines[] = {
        "{\"status\":\"v1: digest: " DIGEST " size: 949\"}",
        "{\"aux\":{\"Digest\":"
        "\"sha256:fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210\"}}",
        NULL,
    };
    struct docker_stream *stream = make();
    struct error err = {0};

    (void)state;
    assert_false(feed(stream, lines, &err));
    assert_int_equal(err.code, ERROR_DIGEST_MISMATCH);
    drop(stream);
}

static void an_existing_image_reports_no_layers(void **state)
{
    static const char *const lines[] = {
        "{\"status\":\"Pulling from a/b\",\"id\":\"1\",\"error\":null,\"errorDetail\":null}",
        "{\"status\":\"Digest: " DIGEST "\"}",
        "{\"status\":\"Status: Image is up to date for a/b:1\"}", NULL};
    struct docker_stream *stream = make();
    struct error err = {0};

    (void)state;
    assert_true(feed(stream, lines, &err));
    assert_int_equal(stream->n_layers, 0);
    assert_int_equal(stream->first_layer_ns, 0);
    assert_int_equal(stream->moved_ns, 0);
    drop(stream);
}

/* A connection that breaks: what came in the first attempt crossed the network, too. */
static void adds_up_attempts(void **state)
{
    static const char *const lines[] = {
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":60,\"total\":100},\"id\":"
        "\"a\"}",
        "{\"status\":\"Retrying in 2 seconds\",\"progressDetail\":{},\"id\":\"a\"}",
        "{\"status\":\"Retrying in 1 second\",\"progressDetail\":{},\"id\":\"a\"}",
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":7,\"total\":40},\"id\":\"a\"}",
        "{\"status\":\"Retrying in 1 second\",\"progressDetail\":{},\"id\":\"a\"}",
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":33,\"total\":33},\"id\":"
        "\"a\"}",
        "{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"a\"}",
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":9,\"total\":90},\"id\":\"b\"}",
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":3,\"total\":90},\"id\":\"b\"}",
        NULL,
    };
    struct docker_stream *stream = make();
    struct docker_stream_totals totals;
    struct error err = {0};

    (void)state;
    assert_true(feed(stream, lines, &err));
    docker_stream_sum(stream, &totals);
    assert_int_equal(stream->retries, 2);
    assert_int_equal(totals.moved_bytes, 60 + 7 + 33 + 9 + 3);
    assert_int_equal(totals.n_unknown, 0);
    drop(stream);
}

static void a_transferred_layer_did_not_exist(void **state)
{
    static const char *const lines[] = {
        "{\"status\":\"Already exists\",\"id\":\"a\"}",
        "{\"status\":\"Pulling fs layer\",\"id\":\"a\"}",
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":4,\"total\":4},\"id\":\"b\"}",
        "{\"status\":\"Already exists\",\"id\":\"b\"}",
        "{\"status\":\"Pulling fs layer\",\"id\":\"c\"}",
        "{\"status\":\"Already exists\",\"id\":\"c\"}",
        NULL,
    };
    struct docker_stream *stream = make();
    struct docker_stream_totals totals;
    struct error err = {0};

    (void)state;
    assert_true(feed(stream, lines, &err));
    docker_stream_sum(stream, &totals);
    assert_int_equal(totals.n_existed, 1);
    assert_true(stream->layers[2].existed);
    drop(stream);
}

/* containerd's store counts the seconds of unpacking. */
static void does_not_count_seconds_as_bytes(void **state)
{
    static const char *const lines[] = {
        "{\"status\":\"Extracting\",\"progressDetail\":{\"current\":1,\"total\":9,"
        "\"units\":\"s\"},\"id\":\"a\"}",
        NULL,
    };
    struct docker_stream *stream = make();
    struct docker_stream_totals totals;
    struct error err = {0};

    (void)state;
    assert_true(feed(stream, lines, &err));
    docker_stream_sum(stream, &totals);
    assert_int_equal(totals.moved_bytes, 0);
    assert_int_equal(totals.n_unknown, 1);
    drop(stream);
}

static void finds_failures_in_any_line(void **state)
{
    static const struct {
        const char *line, *words;
        enum error_code code; /* of what needs no knowledge of words */
    } rows[] = {
        {"{\"errorDetail\":{\"message\":\"it broke\"},\"error\":\"it broke\"}", "it broke",
         ERROR_RUNTIME},
        {"{\"error\":\"it broke\"}", "it broke", ERROR_RUNTIME},
        {"{\"errorDetail\":{\"message\":\"it broke\"}}", "it broke", ERROR_RUNTIME},
        {"{\"ERROR\":\"it broke\"}", "it broke", ERROR_RUNTIME},
        {"{\"status\":\"Pull complete\",\"id\":\"a\",\"error\":\"it broke\"}", "it broke",
         ERROR_RUNTIME},
        {"{\"errorDetail\":{\"code\":401,\"message\":\"who?\"}}", "who?", ERROR_UNAUTHORIZED},
        {"{\"errorDetail\":{\"code\":429,\"message\":\"slowly\"}}", "slowly", ERROR_RATE_LIMITED},
        {"{\"error\":{\"message\":\"an object\"}}", "without a message", ERROR_RUNTIME},
        {"{\"error\":null,\"errorDetail\":[]}", "without a message", ERROR_RUNTIME},
        {"{\"errorDetail\":{}}", "without a message", ERROR_RUNTIME},
        {"{\"error\":\"two\\nlines\"}", "two lines", ERROR_RUNTIME},
        {"{\"error\":\" \"}", "Docker: ", ERROR_RUNTIME},
        {"{\"error\":false}", "without a message", ERROR_RUNTIME},
        {"{\"error\":\"\",\"errorDetail\":{\"code\":401}}", "without a message",
         ERROR_UNAUTHORIZED},
        {"{\"error\":\"\",\"errorDetail\":{\"message\":\"it broke\"}}", "it broke", ERROR_RUNTIME},
        {"{\"error\":\"it broke\",\"errorDetail\":{\"code\":404}}", "it broke", ERROR_NOT_FOUND},
        {"{\"error\":\"it broke\",\"errorDetail\":{\"message\":\"\"}}", "it broke", ERROR_RUNTIME},
        {"{\"error\":\"it broke\",\"errorDetail\":\"\"}", "it broke", ERROR_RUNTIME},
        {"{\"message\":\"it broke\"}", "it broke", ERROR_RUNTIME},
        {"{\"message\":\"manifest unknown\"}", "manifest unknown", ERROR_NOT_FOUND},
        {"{\"cause\":\"x\",\"message\":\"it broke\",\"response\":401}", "it broke",
         ERROR_UNAUTHORIZED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const lines[] = {"{\"status\":\"Pulling from a/b\",\"id\":\"1\"}", rows[i].line,
                                     NULL};
        struct docker_stream *stream = make();
        struct error err = {0};

        assert_false(feed(stream, lines, &err));
        assert_int_equal(err.code, rows[i].code);
        assert_non_null(strstr(err.message, rows[i].words));
        drop(stream);
    }
}

/* Engines of several makers write the members of a failure without one. */
static void empty_members_are_no_failure(void **state)
{
    static const char *const members[] = {
        "\"error\":\"\"",
        "\"error\":null",
        "\"errorDetail\":null",
        "\"errorDetail\":\"\"",
        "\"error\":\"\",\"errorDetail\":null",
        "\"ERROR\":\"\"",
        "\"message\":\"\"",
        "\"message\":null",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        struct docker_stream *stream = make();
        struct error err = {0};
        char line[256];
        const char *const lines[] = {line, NULL};

        snprintf(line, sizeof(line), "{\"status\":\"Digest: " DIGEST "\",%s}", members[i]);
        assert_true(feed(stream, lines, &err));
        assert_string_equal(stream->digest, DIGEST);
        drop(stream);
    }
}

static void tells_whether_there_was_a_status(void **state)
{
    static const struct {
        const char *line;
        bool has_status;
    } rows[] = {
        {"", false},
        {"{}", false},
        {"{\"status\":\"\"}", false},
        {"{\"status\":null}", false},
        {"{\"id\":\"1\",\"error\":\"\"}", false},
        {"{\"status\":\"Pulling from a/b\"}", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const lines[] = {rows[i].line, NULL};
        struct docker_stream *stream = make();
        struct error err = {0};

        assert_true(feed(stream, lines, &err));
        assert_int_equal(stream->has_status, rows[i].has_status);
        drop(stream);
    }
}

static void messages_give_the_reason(void **state)
{
    (void)state;
    assert_int_equal(
        docker_failure_code("toomanyrequests: You have reached your pull rate limit.", 500),
        ERROR_RATE_LIMITED);
    assert_int_equal(docker_failure_code("something else", 404), ERROR_NOT_FOUND);
    assert_int_equal(docker_failure_code("something else", 500), ERROR_RUNTIME);
    assert_int_equal(docker_failure_code("", 0), ERROR_RUNTIME);
}

static void rejects_other_streams(void **state)
{
    static const struct {
        const char *line;
        enum error_code code;
    } rows[] = {
        {"no JSON", ERROR_PROTOCOL},
        {"[]", ERROR_PROTOCOL},
        {"\"text\"", ERROR_PROTOCOL},
        {"{\"status\":\"Pull", ERROR_PROTOCOL},
        {"{\"status\":\"Digest: sha256:short\"}", ERROR_PROTOCOL},
        {"{\"status\":\"v1: digest: sha256:short size: 1\"}", ERROR_PROTOCOL},
        {"{\"status\":\"v1: digest: " DIGEST "0 size: 1\"}", ERROR_PROTOCOL},
        {"{\"aux\":{\"Digest\":\"short\"}}", ERROR_PROTOCOL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const lines[] = {rows[i].line, NULL};
        struct docker_stream *stream = make();
        struct error err = {0};

        assert_false(feed(stream, lines, &err));
        assert_int_equal(err.code, rows[i].code);
        drop(stream);
    }
}

/* However the bytes are cut; also a last line without its end. */
static void reads_byte_by_byte(void **state)
{
    static const char text[] = "\r\n{\"status\":\"Pulling fs layer\",\"id\":\"a\"}\r\n\n"
                               "{\"status\":\"Digest: " DIGEST "\"}";
    struct docker_stream *stream = make();
    struct error err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        assert_true(docker_stream_feed(stream, text + i, 1, 5, &err));
    assert_string_equal(stream->digest, "");
    assert_true(docker_stream_end(stream, 6, &err));
    assert_string_equal(stream->digest, DIGEST);
    assert_int_equal(stream->first_layer_ns, 5);
    drop(stream);
}

static void rejects_a_truncated_line(void **state)
{
    static const char text[] = "{\"status\":\"Digest: ";
    struct docker_stream *stream = make();
    struct error err = {0};

    (void)state;
    assert_true(docker_stream_feed(stream, text, strlen(text), 1, &err));
    assert_false(docker_stream_end(stream, 2, &err));
    assert_int_equal(err.code, ERROR_PROTOCOL);
    drop(stream);
}

static void respects_limits(void **state)
{
    struct docker_stream *stream = make();
    struct error err = {0};
    char line[128];
    bool ok = true;
    int n = 0;

    (void)state;
    for (; ok && n < 2 * DOCKER_LAYERS_MAX; n++) {
        int size = snprintf(line, sizeof(line), "{\"status\":\"Waiting\",\"id\":\"%d\"}\n", n);

        ok = docker_stream_feed(stream, line, (size_t)size, 1, &err);
    }
    assert_int_equal(n, DOCKER_LAYERS_MAX + 1);
    assert_int_equal(err.code, ERROR_LIMIT);
    drop(stream);

    stream = make();
    for (ok = true, n = 0; ok && n < 1 << 20; n++)
        ok = docker_stream_feed(stream, "xxxxxxxxxxxxxxxx", 16, 1, &err);
    assert_false(ok);
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_true(n <= (int)(DOCKER_LINE_LIMIT_BYTES / 16 + 1));
    drop(stream);
}

static void numbers_of_the_daemon_do_not_wrap(void **state)
{
    static const char *const lines[] = {
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":9223372036854775807,"
        "\"total\":-5},\"id\":\"a\"}",
        "{\"status\":\"Retrying in 1 second\",\"id\":\"a\"}",
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":9223372036854775807},"
        "\"id\":\"a\"}",
        "{\"status\":\"Retrying in 1 second\",\"id\":\"a\"}",
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":9223372036854775807},"
        "\"id\":\"a\"}",
        NULL,
    };
    struct docker_stream *stream = make();
    struct docker_stream_totals totals;
    struct error err = {0};

    (void)state;
    assert_true(feed(stream, lines, &err));
    docker_stream_sum(stream, &totals);
    assert_true(totals.moved_bytes == UINT64_MAX);
    drop(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_layers_and_bytes),
        cmocka_unit_test(counts_what_is_pushed),
        cmocka_unit_test(reads_the_digest_of_a_push_from_either_line),
        cmocka_unit_test(rejects_two_different_digests),
        cmocka_unit_test(an_existing_image_reports_no_layers),
        cmocka_unit_test(adds_up_attempts),
        cmocka_unit_test(a_transferred_layer_did_not_exist),
        cmocka_unit_test(does_not_count_seconds_as_bytes),
        cmocka_unit_test(finds_failures_in_any_line),
        cmocka_unit_test(empty_members_are_no_failure),
        cmocka_unit_test(tells_whether_there_was_a_status),
        cmocka_unit_test(messages_give_the_reason),
        cmocka_unit_test(rejects_other_streams),
        cmocka_unit_test(reads_byte_by_byte),
        cmocka_unit_test(rejects_a_truncated_line),
        cmocka_unit_test(respects_limits),
        cmocka_unit_test(numbers_of_the_daemon_do_not_wrap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
