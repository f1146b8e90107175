/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads and deletes against scripted answers: at once and in chunks, broken off and taken up. */
#include "registry/registry_push.h"

#include "registry/registry_blob.h"
#include "registry/registry_read.h"
#include "support/registry_fixture.h"

#include <stdio.h>
#include <string.h>

static bool push_blob(struct trial *t, struct text_source *text)
{
    bool mounted;

    return trial_push(t, text, &(struct registry_upload){0}, &mounted);
}

static bool push_chunks(struct trial *t, struct text_source *text, uint64_t chunk_bytes)
{
    bool mounted;

    return trial_push(t, text, &(struct registry_upload){.chunk_bytes = chunk_bytes}, &mounted);
}

static void pushes_a_blob(void **state)
{
    static const struct {
        const char *location, *put;
    } rows[] = {
        {"Location: /up/1?state=x\r\n", "PUT /up/1?state=x&digest=sha256%3A2cf24"},
        {"Location: http://@HOST@/up/2\r\n", "PUT /up/2?digest=sha256%3A2cf24"},
        {"Location: //@HOST@/up/3#y\r\n", "PUT /up/3?digest=sha256%3A2cf24"},
        {"Location: @HOST@/up/4\r\n", "PUT /up/4?digest=sha256%3A2cf24"},
        {"Location: uuid\r\n", "PUT /v2/a/b/blobs/uploads/uuid?digest=sha256%3A2cf24"},
        {"Location: ./uuid?a=b\r\n", "PUT /v2/a/b/blobs/uploads/uuid?a=b&digest=sha256%3A2cf24"},
        {"Location: ../up/5\r\n", "PUT /v2/a/b/blobs/up/5?digest=sha256%3A2cf24"},
        {"Location: ?up=6\r\n", "PUT /v2/a/b/blobs/uploads/?up=6&digest=sha256%3A2cf24"},
        {"Location: a.b/c\r\n", "PUT /v2/a/b/blobs/uploads/a.b/c?digest=sha256%3A2cf24"},
        {"Location: /up/a b\r\n", "PUT /up/a%20b?digest=sha256%3A2cf24"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {
            {"POST /v2/a/b/blobs/uploads/ ", .status = "202 Go", .headers = rows[i].location},
            {rows[i].put, .with = "Content-Type: application/octet-stream\r\n",
             .status = "201 Created", .headers = "Docker-Content-Digest: " BLOB_DIGEST "\r\n"},
            {0},
        };
        struct text_source text = {.text = BLOB};
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        if (!push_blob(&t, &text))
            fail_msg("%s: %s", rows[i].location, t.err.message);
        assert_int_equal(registry_traffic(t.registry)->uploaded_bytes, 5);
        assert_true(fake_saw(&t.fake, "\r\n\r\n" BLOB "\n--"));
        assert_int_equal(fake_requests(&t.fake), 2);
        trial_end(&t);
    }
}

static void sends_the_body_again_after_401(void **state)
{
    static const struct fake_rule rules[] = {
        {"POST /v2/", .status = "202 Go", .headers = "Location: /up\r\n"},
        {"PUT /up", .with = "Bearer t\r\n", .status = "201 Created"},
        {"PUT /up", .status = "401 Who", .headers = BEARER},
        {"GET /token", .status = "200 OK", .body = "{\"token\":\"t\"}"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){.push = true});
    assert_true(push_blob(&t, &text));
    assert_int_equal(text.rewinds, 2);
    assert_true(fake_saw(&t.fake, "scope=repository%3Aa%2Fb%3Apull%2Cpush"));
    trial_end(&t);
}

static void cancels_a_failed_upload(void **state)
{
    static const struct {
        struct fake_rule put;
        enum error_code want;
    } rows[] = {
        {{"PUT /up", .status = "500 Oops"}, ERROR_SERVER_ERROR},
        {{"PUT /up", .status = "201 OK", .headers = "Docker-Content-Digest: " OTHER_DIGEST "\r\n"},
         ERROR_DIGEST_MISMATCH},
        {{"PUT /up", .end = FAKE_RESET}, ERROR_CONNECT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {
            {"POST /v2/", .status = "202 Go", .headers = "Location: /up?s=1\r\n"},
            rows[i].put,
            {"DELETE /up?s=1 ", .status = "204 Gone"},
            {0},
        };
        struct text_source text = {.text = BLOB};
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        assert_false(push_blob(&t, &text));
        assert_int_equal(t.err.code, rows[i].want);
        assert_true(fake_saw(&t.fake, "DELETE /up?s=1 "));
        trial_end(&t);
    }
}

/* The token that everybody shares may be renewed without the right that the taking back asked for.
 */
static void cancels_with_the_delete_scope_if_required(void **state)
{
    static const struct fake_rule rules[] = {
        {"POST /v2/", .status = "202 Go", .headers = "Location: /up\r\n"},
        {"PUT /up", .status = "500 Oops"},
        {"DELETE /up", .with = "Bearer more\r\n", .status = "204 Gone"},
        {"DELETE /up", .status = "401 Who", .headers = BEARER},
        {"GET /token", .with = "pull%2Cpush%2Cdelete", .status = "200 OK",
         .body = "{\"token\":\"more\"}"},
        {"GET /token", .status = "200 OK", .body = "{\"token\":\"less\"}"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){.push = true});
    assert_false(push_blob(&t, &text));
    assert_int_equal(t.err.code, ERROR_SERVER_ERROR);
    assert_true(fake_saw(&t.fake, "Bearer more"));
    assert_int_equal(registry_traffic(t.registry)->stranded, 0);
    trial_end(&t);
}

static void refuses_odd_uploads(void **state)
{
    static const char *const headers[] = {"", "Location: \r\n", "Location: ftp://x/\r\n",
                                          "Location: http:///x\r\n",
                                          "Location: http://x:99999/\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        const struct fake_rule rules[] = {{"POST /", .status = "202 Go", .headers = headers[i]},
                                          {0}};
        struct text_source text = {.text = BLOB};
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        assert_false(push_blob(&t, &text));
        assert_int_equal(t.err.code, ERROR_PROTOCOL);
        trial_end(&t);
    }
}

static void uploads_elsewhere_without_identity(void **state)
{
    static const struct fake_rule there[] = {{"PUT /", .status = "201 Created"}, {0}};
    struct fake_rule here[] = {
        {"POST /", .with = "Authorization: Basic", .status = "202 Go"},
        {"POST /", .status = "401 Who", .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    struct fake_http other;
    struct trial t;
    char location[128];

    (void)state;
    fake_start(&other, there);
    snprintf(location, sizeof(location), "Location: http://%s/up\r\n", other.host);
    here[0].headers = location;
    trial_begin(&t, here, (struct identity){.username = "u", .password = "p"});
    assert_true(push_blob(&t, &text));
    assert_true(fake_saw(&other, "PUT /up?digest="));
    assert_false(fake_saw(&other, "Authorization"));
    trial_end(&t);
    fake_stop(&other);
}

#define OPEN "POST /v2/a/b/blobs/uploads/ "
#define LOST "{\"errors\":[{\"code\":\"BLOB_UPLOAD_INVALID\",\"message\":\"upload invalid\"}]}"

static void sends_each_chunk_to_the_last_location(void **state)
{
    static const struct fake_rule rules[] = {
        {OPEN, .status = "202 Go", .headers = "Location: /up/0?s=0\r\nRange: 0-0\r\n"},
        {"PATCH /up/0?s=0 ", .with = "Content-Range: 0-1\r\n", .status = "202 On",
         .headers = "Location: http://@HOST@/up/1\r\nRange: 0-1\r\n"},
        {"PATCH /up/1 ", .with = "Content-Range: 2-3\r\n", .status = "202 On",
         .headers = "Location: /up/2\r\nRange: bytes=0-3\r\n"},
        {"PATCH /up/2 ", .with = "Content-Range: 4-4\r\n", .status = "202 On"},
        {"PUT /up/2?digest=sha256%3A2cf24", .with = "Content-Length: 0\r\n", .status = "201 Made",
         .headers = "Docker-Content-Digest: " BLOB_DIGEST "\r\n"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    if (!push_chunks(&t, &text, 2))
        fail_msg("%s", t.err.message);
    assert_int_equal(fake_requests(&t.fake), 5);
    assert_int_equal(text.rewinds, 1);
    assert_int_equal(registry_traffic(t.registry)->uploaded_bytes, 5);
    assert_int_equal(registry_traffic(t.registry)->resumed, 0);
    assert_true(fake_saw(&t.fake, "\r\n\r\nhe\n--"));
    assert_true(fake_saw(&t.fake, "\r\n\r\nll\n--"));
    assert_true(fake_saw(&t.fake, "\r\n\r\no\n--"));
    trial_end(&t);
}

static void respects_the_minimum_chunk_size(void **state)
{
    static const struct fake_rule rules[] = {
        {OPEN, .status = "202 Go", .headers = "Location: /up\r\nOCI-Chunk-Min-Length: 4\r\n"},
        {"PATCH /up ", .with = "Content-Range: 0-3\r\n", .status = "202 On"},
        {"PATCH /up ", .with = "Content-Range: 4-4\r\n", .status = "202 On"},
        {"PUT /up?", .status = "201 Made"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    assert_true(push_chunks(&t, &text, 1));
    assert_int_equal(fake_requests(&t.fake), 4);
    trial_end(&t);
}

/* What the registry kept counts, not what it was sent. */
static void resumes_at_the_offset_of_the_registry(void **state)
{
    static const struct fake_rule rules[] = {
        {OPEN, .status = "202 Go", .headers = "Location: /up/0\r\n"},
        {"PATCH /up/0 ", .with = "Content-Range: 0-2\r\n", .status = "202 On",
         .headers = "Range: 0-1\r\n"},
        {"PATCH /up/0 ", .with = "Content-Range: 2-4\r\n", .end = FAKE_RESET},
        {"GET /up/0 ", .uses = 1, .status = "204 Here", .headers = "Range: 0-1\r\n"},
        {"GET /up/0 ", .status = "204 Here", .headers = "Location: /up/9\r\nRange: 0-3\r\n"},
        {"PATCH /up/9 ", .with = "Content-Range: 4-4\r\n", .status = "202 On"},
        {"PUT /up/9?", .status = "201 Made"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    if (!push_chunks(&t, &text, 3))
        fail_msg("%s", t.err.message);
    assert_true(fake_saw(&t.fake, "\r\n\r\no\n--"));
    assert_int_equal(registry_traffic(t.registry)->resumed, 1);
    assert_int_equal(registry_traffic(t.registry)->stranded, 0);
    assert_int_equal(fake_requests(&t.fake), 7);
    trial_end(&t);
}

static void rejects_a_range_beyond_what_was_sent(void **state)
{
    static const struct fake_rule rules[] = {
        {OPEN, .status = "202 Go", .headers = "Location: /up\r\n"},
        {"PATCH /up ", .status = "202 On", .headers = "Range: 0-9\r\n"},
        {"DELETE /up ", .status = "204 Gone"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    assert_false(push_chunks(&t, &text, 3));
    assert_int_equal(t.err.code, ERROR_PROTOCOL);
    assert_int_equal(fake_requests(&t.fake), 3);
    trial_end(&t);
}

/* The chunk was accepted. The registry verifies the digest in the end. */
static void goes_on_if_the_range_lags_behind(void **state)
{
    static const struct {
        const char *header, *state; /* of each PATCH, of the GET; NULL: the GET is a 404 */
        unsigned gets;
    } rows[] = {
        {"Range: 0-0\r\n", NULL, 1},
        {"Range: 0-0\r\n", "Range: 0-0\r\n", 1},
        {"Range: 0-0\r\n", "", 1},
        {"Range: 0-0\r\n", "Range: 0-2\r\n", 2},
        {"Range: 1-2\r\n", NULL, 1},
        {"Range: x\r\n", NULL, 1},
        {"Range: \r\n", NULL, 1},
        {"Range: 0-18446744073709551615\r\n", NULL, 1},
        {"", NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {
            {OPEN, .status = "202 Go", .headers = "Location: /up\r\n"},
            {"PATCH /up ", .with = "Content-Range: 0-2\r\n", .status = "202 On",
             .headers = rows[i].header},
            {"PATCH /up ", .with = "Content-Range: 3-4\r\n", .status = "202 On",
             .headers = rows[i].header},
            {"GET /up ", .status = rows[i].state ? "204 Here" : "404 No", .headers = rows[i].state},
            {"PUT /up?", .status = "201 Made"},
            {0},
        };
        struct text_source text = {.text = BLOB};
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        if (!push_chunks(&t, &text, 3))
            fail_msg("%s: %s", rows[i].header, t.err.message);
        assert_int_equal(trial_count(&t.fake, "PATCH /up "), 2);
        assert_int_equal(trial_count(&t.fake, "GET /up "), rows[i].gets);
        assert_int_equal(registry_traffic(t.registry)->stranded, 0);
        trial_end(&t);
    }
}

/* The Range has progress, so it is believed, until the registry says that it has more. */
static void skips_what_the_registry_has_beyond_its_range(void **state)
{
    static const struct fake_rule rules[] = {
        {OPEN, .status = "202 Go", .headers = "Location: /up\r\n"},
        {"PATCH /up ", .with = "Content-Range: 0-2\r\n", .status = "202 On",
         .headers = "Range: 0-1\r\n"},
        {"PATCH /up ", .with = "Content-Range: 2-4\r\n", .status = "416 No"},
        {"PATCH /up ", .with = "Content-Range: 3-4\r\n", .status = "202 On",
         .headers = "Range: 0-1\r\n"},
        {"PUT /up?", .status = "201 Made"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    if (!push_chunks(&t, &text, 3))
        fail_msg("%s", t.err.message);
    assert_int_equal(trial_count(&t.fake, "PATCH /up "), 3);
    trial_end(&t);
}

static void says_what_the_range_header_said(void **state)
{
    static const struct {
        const char *put, *body, *header, *want;
    } rows[] = {
        {"400 No", "{\"errors\":[{\"code\":\"DIGEST_INVALID\"}]}", "Range: 0-0\r\n",
         "the registry accepted 3 bytes, but its Range header said \"0-0\": "},
        {"416 No", "", "Range: bytes 2\r\n",
         "the registry accepted 3 bytes, but its Range header said \"bytes 2\": "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {
            {OPEN, .status = "202 Go", .headers = "Location: /up\r\n"},
            {"PATCH /up ", .status = "202 On", .headers = rows[i].header},
            {"PUT /up?", .status = rows[i].put, .body = rows[i].body},
            {"DELETE /up ", .status = "204 Gone"},
            {0},
        };
        struct text_source text = {.text = BLOB};
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        assert_false(push_chunks(&t, &text, 3));
        assert_int_equal(t.err.code, ERROR_PROTOCOL);
        if (!strstr(t.err.message, rows[i].want))
            fail_msg("%s", t.err.message);
        trial_end(&t);
    }
}

/* What is left of it is unknown: it starts again. */
static void restarts_an_upload_whose_state_is_unknown(void **state)
{
    static const struct fake_rule rules[] = {
        {OPEN, .uses = 1, .status = "202 Go", .headers = "Location: /up/1\r\n"},
        {OPEN, .status = "202 Go", .headers = "Location: /up/2\r\n"},
        {"PATCH /up/1 ", .end = FAKE_RESET},
        {"GET /up/1 ", .status = "204 Here"},
        {"DELETE /up/1 ", .status = "204 Gone"},
        {"PATCH /up/2 ", .status = "202 On"},
        {"PUT /up/2?", .status = "201 Made"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    if (!push_chunks(&t, &text, 5))
        fail_msg("%s", t.err.message);
    assert_int_equal(registry_traffic(t.registry)->stranded, 0);
    trial_end(&t);
}

/* The registry of Docker 2.8 does not know a broken upload any more, nor how to remove it. */
static void restarts_an_upload_that_the_registry_lost(void **state)
{
    static const struct fake_rule rules[] = {
        {OPEN, .uses = 1, .status = "202 Go", .headers = "Location: /up/1\r\n"},
        {OPEN, .status = "202 Go", .headers = "Location: /up/2\r\n"},
        {"PATCH /up/1 ", .with = "Content-Range: 0-2\r\n", .status = "202 On"},
        {"PATCH /up/1 ", .end = FAKE_RESET},
        {"GET /up/1 ", .status = "404 Not Found", .body = LOST},
        {"DELETE /up/1 ", .status = "404 Not Found", .body = LOST},
        {"PATCH /up/2 ", .status = "202 On"},
        {"PUT /up/2?", .status = "201 Made"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    if (!push_chunks(&t, &text, 3))
        fail_msg("%s", t.err.message);
    assert_int_equal(text.rewinds, 2);
    assert_int_equal(trial_count(&t.fake, "\r\n\r\nhel\n--"), 2);
    assert_int_equal(registry_traffic(t.registry)->stranded, 1);
    trial_end(&t);
}

static void restarts_a_broken_put(void **state)
{
    static const struct fake_rule rules[] = {
        {OPEN, .uses = 1, .status = "202 Go", .headers = "Location: /up/1\r\n"},
        {OPEN, .status = "202 Go", .headers = "Location: /up/2\r\n"},
        {"PUT /up/1?", .end = FAKE_RESET},
        {"HEAD /v2/a/b/blobs/" BLOB_DIGEST, .status = "404 Not Found"},
        {"DELETE /up/1 ", .status = "204 Gone"},
        {"PUT /up/2?", .status = "201 Made"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    if (!push_blob(&t, &text))
        fail_msg("%s", t.err.message);
    assert_int_equal(text.rewinds, 2);
    assert_int_equal(fake_requests(&t.fake), 6);
    assert_int_equal(registry_traffic(t.registry)->resumed, 1);
    assert_int_equal(registry_traffic(t.registry)->stranded, 0);
    assert_int_equal(registry_traffic(t.registry)->uploaded_bytes, 10);
    trial_end(&t);
}

static void detects_a_blob_that_arrived_before_the_break(void **state)
{
    static const struct fake_rule rules[] = {
        {OPEN, .status = "202 Go", .headers = "Location: /up\r\n"},
        {"PATCH /up ", .status = "202 On"},
        {"PUT /up?", .end = FAKE_RESET},
        {"HEAD /v2/a/b/blobs/" BLOB_DIGEST, .status = "200 OK", .body = BLOB,
         .headers = "Docker-Content-Digest: " BLOB_DIGEST "\r\n"},
        {0},
    };

    (void)state;
    for (uint64_t chunk = 0; chunk < 10; chunk += 5) {
        struct text_source text = {.text = BLOB};
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        if (!push_chunks(&t, &text, chunk))
            fail_msg("%s", t.err.message);
        assert_int_equal(trial_count(&t.fake, "HEAD /v2/"), 1);
        assert_int_equal(trial_count(&t.fake, OPEN), 1);
        assert_false(fake_saw(&t.fake, "DELETE"));
        trial_end(&t);
    }
}

static void gives_up_without_progress(void **state)
{
    static const struct {
        struct fake_rule send;
        uint64_t chunk_bytes;
        enum error_code want;
        int status;
    } rows[] = {
        {{"PUT /up", .end = FAKE_RESET}, 0, ERROR_CONNECT, 0},
        {{"PATCH /up", .end = FAKE_RESET}, 2, ERROR_CONNECT, 0},
        {{"PATCH /up", .status = "416 No"}, 2, ERROR_PROTOCOL, 416},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {
            {OPEN, .status = "202 Go", .headers = "Location: /up\r\n"},
            rows[i].send,
            {"GET /up ", .status = "204 Here", .headers = "Range: 0-0\r\n"},
            {"DELETE /up ", .status = "204 Gone"},
            {0},
        };
        struct text_source text = {.text = BLOB};
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        assert_false(push_chunks(&t, &text, rows[i].chunk_bytes));
        assert_int_equal(t.err.code, rows[i].want);
        assert_int_equal(t.err.status, rows[i].status);
        assert_int_equal(trial_count(&t.fake, rows[i].send.request), 4);
        assert_int_equal(registry_traffic(t.registry)->resumed, 3);
        assert_int_equal(registry_traffic(t.registry)->stranded, 0);
        trial_end(&t);
    }
}

static void does_not_resume_a_rejected_upload(void **state)
{
    static const struct {
        struct fake_rule send;
        enum error_code want;
    } rows[] = {
        {{"PATCH /up", .status = "413 Large"}, ERROR_LIMIT},
        {{"PATCH /up", .status = "429 Slow"}, ERROR_RATE_LIMITED},
        {{"PATCH /up", .status = "500 Oops"}, ERROR_SERVER_ERROR},
        {{"PATCH /up", .status = "403 No",
          .body = "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"quota\"}]}"},
         ERROR_FORBIDDEN},
        {{"PATCH /up", .status = "404 No",
          .body = "{\"errors\":[{\"code\":\"BLOB_UPLOAD_UNKNOWN\"}]}"},
         ERROR_SERVER_ERROR},
        {{"PATCH /up", .status = "202 On", .headers = "Location: ftp://x/\r\n"}, ERROR_PROTOCOL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {
            {OPEN, .status = "202 Go", .headers = "Location: /up\r\n"}, rows[i].send, {0}};
        struct text_source text = {.text = BLOB};
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        assert_false(push_chunks(&t, &text, 2));
        assert_int_equal(t.err.code, rows[i].want);
        assert_int_equal(fake_requests(&t.fake), 3);
        assert_int_equal(registry_traffic(t.registry)->stranded, 0); /* 404: it is gone */
        trial_end(&t);
    }
}

static void answers_401_in_the_middle_of_an_upload(void **state)
{
    static const struct fake_rule rules[] = {
        {OPEN, .status = "202 Go", .headers = "Location: /up\r\n"},
        {"PATCH /up ", .with = "Content-Range: 0-1\r\n", .status = "202 On"},
        {"PATCH /up ", .with = "Bearer t\r\n", .status = "202 On"},
        {"PATCH /up ", .status = "401 Who", .headers = BEARER},
        {"PUT /up?", .with = "Bearer t\r\n", .status = "201 Made"},
        {"GET /token", .status = "200 OK", .body = "{\"token\":\"t\"}"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){.push = true});
    if (!push_chunks(&t, &text, 2))
        fail_msg("%s", t.err.message);
    assert_int_equal(trial_count(&t.fake, "Content-Range: 2-3\r\n"), 2);
    assert_int_equal(trial_count(&t.fake, "\r\n\r\nll\n--"), 2);
    assert_int_equal(text.rewinds, 2);
    trial_end(&t);
}

static void follows_an_upload_to_another_host_without_identity(void **state)
{
    static const struct fake_rule there[] = {
        {"PATCH /up/1?ns=127.0.0.1%3A", .with = "Content-Range: 0-2\r\n", .status = "202 On",
         .headers = "Location: /up/2\r\n"},
        {"PATCH /up/2?ns=127.0.0.1%3A", .with = "Content-Range: 3-4\r\n", .status = "202 On"},
        {"PUT /up/2?digest=", .with = "&ns=127.0.0.1%3A", .status = "201 Made"},
        {0},
    };
    struct fake_rule here[] = {
        {"POST /", .with = "Authorization: Basic", .status = "202 Go"},
        {"POST /", .status = "401 Who", .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    struct fake_http other;
    struct trial t;
    char location[128];

    (void)state;
    fake_start(&other, there);
    snprintf(location, sizeof(location), "Location: http://%s/up/1\r\n", other.host);
    here[0].headers = location;
    trial_begin(&t, here, (struct identity){.username = "u", .password = "p"});
    if (!push_chunks(&t, &text, 3))
        fail_msg("%s", t.err.message);
    assert_int_equal(fake_requests(&other), 3);
    assert_false(fake_saw(&other, "Authorization"));
    trial_end(&t);
    fake_stop(&other);
}

#define MOUNT                                                                           \
    "POST /v2/a/b/blobs/uploads/?mount=sha256%3A2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e" \
    "5c1fa7425e73043362938b9824&from=c%2Fd "

static const struct registry_upload mount_it = {.mount_from = "c/d"};

static void mounts_a_blob(void **state)
{
    static const struct fake_rule rules[] = {
        {MOUNT, .with = "Bearer t\r\n", .status = "201 Made",
         .headers = "Docker-Content-Digest: " BLOB_DIGEST "\r\n"},
        {MOUNT, .status = "401 Who", .headers = BEARER},
        {"GET /token", .status = "200 OK", .body = "{\"token\":\"t\"}"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    bool mounted = false;
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){.push = true});
    if (!trial_push(&t, &text, &mount_it, &mounted))
        fail_msg("%s", t.err.message);
    assert_true(mounted);
    assert_true(fake_saw(&t.fake, "scope=repository%3Aa%2Fb%3Apull%2Cpush&scope="
                                  "repository%3Ac%2Fd%3Apull&scope=repository%3Aa%2Fb%3Apull&"));
    assert_true(registry_traffic(t.registry)->token >= 0);
    assert_int_equal(registry_traffic(t.registry)->uploaded_bytes, 0);
    assert_true(trial_push(&t, &text, &mount_it, &mounted)); /* by the same token */
    assert_int_equal(fake_requests(&t.fake), 4);
    assert_int_equal(text.rewinds, 0);
    trial_end(&t);
}

/* It is no word about uploads: they go on, or begin, as ever. */
static void uploads_if_the_registry_does_not_mount(void **state)
{
    static const struct {
        struct fake_rule mount;
        unsigned opened;
    } rows[] = {
        {{MOUNT, .status = "202 Go", .headers = "Location: /up\r\n"}, 0},
        {{MOUNT, .status = "401 Who", .headers = "WWW-Authenticate: Negotiate\r\n"}, 1},
        {{MOUNT, .status = "401 Who", .headers = BEARER}, 1},
        {{MOUNT, .status = "404 No"}, 1},
        {{MOUNT, .status = "405 No"}, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {
            rows[i].mount,
            {OPEN, .status = "202 Go", .headers = "Location: /up\r\n"},
            {"PUT /up?", .status = "201 Made"},
            {"GET /token", .status = "403 No"},
            {0},
        };
        struct text_source text = {.text = BLOB};
        bool mounted = true;
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        if (!trial_push(&t, &text, &mount_it, &mounted))
            fail_msg("row %zu: %s", i, t.err.message);
        assert_false(mounted);
        assert_int_equal(trial_count(&t.fake, OPEN), rows[i].opened);
        trial_end(&t);
    }
}

static void fails_if_a_mount_fails(void **state)
{
    static const struct {
        struct fake_rule mount;
        enum error_code want;
    } rows[] = {
        {{MOUNT, .status = "201 Made", .headers = "Docker-Content-Digest: " OTHER_DIGEST "\r\n"},
         ERROR_DIGEST_MISMATCH},
        {{MOUNT, .status = "429 Slow"}, ERROR_RATE_LIMITED},
        {{MOUNT, .status = "500 Oops"}, ERROR_SERVER_ERROR},
        {{MOUNT, .end = FAKE_RESET}, ERROR_CONNECT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {rows[i].mount, {0}};
        struct text_source text = {.text = BLOB};
        bool mounted = true;
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        assert_false(trial_push(&t, &text, &mount_it, &mounted));
        assert_int_equal(t.err.code, rows[i].want);
        assert_false(mounted);
        assert_int_equal(fake_requests(&t.fake), 1);
        trial_end(&t);
    }
}

static void names_the_registry_to_a_mirror_that_mounts(void **state)
{
    static const struct fake_rule rules[] = {
        {"POST /v2/a/b/blobs/uploads/?mount=sha256%3A", .with = "&from=c%2Fd&ns=reg.example%3A5 ",
         .status = "201 Made"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    bool mounted;
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    t.host.name_space = "reg.example:5";
    assert_true(trial_push(&t, &text, &mount_it, &mounted));
    trial_end(&t);
}

/* As containerd since 2.3; earlier versions name the registry in no request of a push. */
static void names_the_registry_to_a_mirror_in_every_request(void **state)
{
    static const struct fake_rule rules[] = {
        {"POST /v2/a/b/blobs/uploads/", .status = "202 Go", .headers = "Location: /up/1?s=1\r\n"},
        {"PATCH /up/1?s=1", .status = "202 On", .headers = "Location: /up/2\r\n"},
        {"PATCH /up/2", .status = "202 On"},
        {"PUT /up/2?digest=", .status = "201 Made"},
        {"PUT /v2/a/b/manifests/v1", .status = "201 Made"},
        {0},
    };
    const struct descriptor manifest = {
        .media_type = MEDIA_TYPE_OCI_MANIFEST, .digest = BLOB_DIGEST, .size = 5};
    const struct reference reference = {
        .host = "reg.example:5", .endpoint = "reg.example:5", .repository = "a/b"};
    struct trial t;

    (void)state;
    for (int without = 0; without < 2; without++) {
        struct text_source text = {.text = BLOB};

        trial_begin(&t, rules, (struct identity){.push = true});
        t.host.name_space = "reg.example:5";
        t.hosts.push_without_ns = without;
        registry_free(t.registry);
        t.registry = registry_new(
            &reference, &(struct registry_options){.hosts = &t.hosts, .push = true}, &t.err);
        buf_append_str(&t.taken, BLOB);
        assert_true(push_chunks(&t, &text, 4));
        assert_true(
            registry_push_manifest(t.registry, "v1", &manifest, &t.taken, &t.cancel, &t.err));
        assert_int_equal(trial_count(&t.fake, "?ns=reg.example%3A5 "), without ? 0 : 3);
        assert_int_equal(trial_count(&t.fake, "&ns=reg.example%3A5 "), without ? 0 : 2);
        trial_end(&t);
    }
}

static void pushes_a_manifest(void **state)
{
    static const struct fake_rule rules[] = {
        {"PUT /v2/a/b/manifests/v1 ", .with = "Content-Type: " MEDIA_TYPE_OCI_MANIFEST "\r\n",
         .status = "201 Created", .headers = "Docker-Content-Digest: " BLOB_DIGEST "\r\n"},
        {"PUT /v2/a/b/manifests/silent ", .status = "201 Created"},
        {"PUT /v2/a/b/manifests/lies ", .status = "201 Created",
         .headers = "Docker-Content-Digest: " OTHER_DIGEST "\r\n"},
        {0},
    };
    const struct descriptor manifest = {
        .media_type = MEDIA_TYPE_OCI_MANIFEST, .digest = BLOB_DIGEST, .size = 5};
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    buf_append_str(&t.taken, BLOB);
    assert_true(registry_push_manifest(t.registry, "v1", &manifest, &t.taken, &t.cancel, &t.err));
    assert_true(
        registry_push_manifest(t.registry, "silent", &manifest, &t.taken, &t.cancel, &t.err));
    assert_false(
        registry_push_manifest(t.registry, "lies", &manifest, &t.taken, &t.cancel, &t.err));
    assert_int_equal(t.err.code, ERROR_DIGEST_MISMATCH);
    assert_int_equal(registry_traffic(t.registry)->uploaded_bytes, 15);
    trial_end(&t);
}

#define BLOB_SHA512                                                                                \
    "sha512:"                                                                                      \
    "9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8" \
    "c5da0c4663475c2e5c3adef46f73bcdec043"
#define BLOB_SHA384                                                                                \
    "sha384:"                                                                                      \
    "59e1748777448c69de6b800d7a33bbfb9ff1b463e44354c3553bcdb9c666fa90125a3c79f90397bdf5f6a13de828" \
    "684f"

/* A registry may use another algorithm than the exporter. */
static void verifies_the_stored_digest_by_its_algorithm(void **state)
{
    static const struct {
        const char *header;
        enum error_code want;
    } rows[] = {
        {"Docker-Content-Digest: " BLOB_DIGEST "\r\n", ERROR_NONE},
        {"Docker-Content-Digest: " BLOB_SHA512 "\r\n", ERROR_NONE},
        {"Docker-Content-Digest: " BLOB_SHA384 "\r\n", ERROR_NONE},
        {"Docker-Content-Digest:\r\n", ERROR_NONE},
        {"Docker-Content-Digest:   \r\n", ERROR_NONE},
        {"", ERROR_NONE},
        {"Docker-Content-Digest: " OTHER_DIGEST "\r\n", ERROR_DIGEST_MISMATCH},
        {"Docker-Content-Digest: " BLOB_SHA512 "00\r\n", ERROR_PROTOCOL},
        {"Docker-Content-Digest: sha256:00\r\n", ERROR_PROTOCOL},
        {"Docker-Content-Digest: 2cf24dba\r\n", ERROR_PROTOCOL},
        {"Docker-Content-Digest: sha256\r\n", ERROR_PROTOCOL},
        {"Docker-Content-Digest: a b:c\r\n", ERROR_PROTOCOL},
        {"Docker-Content-Digest: blake3:00\r\n", ERROR_UNSUPPORTED},
        {"Docker-Content-Digest: multihash+base58:QmRZ\r\n", ERROR_UNSUPPORTED},
    };
    const struct descriptor manifest = {
        .media_type = MEDIA_TYPE_OCI_MANIFEST, .digest = BLOB_DIGEST, .size = 5};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {
            {OPEN, .status = "202 Go", .headers = "Location: /up\r\n"},
            {MOUNT, .status = "201 Made", .headers = rows[i].header},
            {"PATCH /up ", .status = "202 On"},
            {"PUT /", .status = "201 Made", .headers = rows[i].header},
            {"DELETE /up ", .status = "204 Gone"},
            {0},
        };
        struct text_source text = {.text = BLOB};
        bool mounted, ok[4];
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        buf_append_str(&t.taken, BLOB);
        ok[0] = push_blob(&t, &text);
        ok[1] = push_chunks(&t, &text, 2);
        ok[2] = trial_push(&t, &text, &mount_it, &mounted);
        ok[3] = registry_push_manifest(t.registry, "v1", &manifest, &t.taken, &t.cancel, &t.err);
        for (size_t k = 0; k < 4; k++)
            if (ok[k] != (rows[i].want == ERROR_NONE))
                fail_msg("%s: %zu: %s", rows[i].header, k, t.err.message);
        assert_int_equal(t.err.code, rows[i].want);
        trial_end(&t);
    }
}

static void says_which_digest_the_registry_stored(void **state)
{
    static const struct fake_rule rules[] = {
        {"PUT /", .status = "201 Made", .headers = "Docker-Content-Digest: " BLOB_SHA512 "\r\n"},
        {0}};
    const struct descriptor manifest = {
        .media_type = MEDIA_TYPE_OCI_MANIFEST, .digest = BLOB_DIGEST, .size = 5};
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    buf_append_str(&t.taken, "other");
    assert_false(registry_push_manifest(t.registry, "v1", &manifest, &t.taken, &t.cancel, &t.err));
    assert_int_equal(t.err.code, ERROR_DIGEST_MISMATCH);
    assert_non_null(strstr(t.err.message, "stored " BLOB_SHA512 ": expected sha512:"));
    trial_end(&t);
}

static void returns_the_digest_of_a_tag(void **state)
{
    static const struct {
        struct fake_rule head, get;
        const char *want;
    } rows[] = {
        {{"HEAD /v2/a/b/manifests/v1 ", .with = MEDIA_TYPE_OCI_INDEX ", */*", .status = "200 OK",
          .headers = "Docker-Content-Digest: " OTHER_DIGEST "\r\n", .body = "{}"},
         {"GET /", .status = "500 Oops"},
         OTHER_DIGEST},
        {{"HEAD /", .status = "404 No"}, {"GET /", .status = "500 Oops"}, ""},
        {{"HEAD /", .status = "200 OK"}, {"GET /", .status = "200 OK", .body = BLOB}, BLOB_DIGEST},
        {{"HEAD /", .status = "200 OK", .headers = "Docker-Content-Digest: sha512:00\r\n"},
         {"GET /v2/a/b/manifests/v1 ", .status = "200 OK", .body = BLOB},
         BLOB_DIGEST},
        {{"HEAD /", .status = "405 No"}, {"GET /", .status = "200 OK", .body = BLOB}, BLOB_DIGEST},
        {{"HEAD /", .status = "405 No"}, {"GET /", .status = "404 No"}, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {rows[i].head, rows[i].get, {0}};
        char digest[DIGEST_TEXT_BYTES] = "before";
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        if (!registry_manifest_digest(t.registry, "v1", digest, &t.cancel, &t.err))
            fail_msg("row %zu: %s", i, t.err.message);
        assert_string_equal(digest, rows[i].want);
        trial_end(&t);
    }
}

static void returns_no_digest_of_a_missing_manifest(void **state)
{
    static const struct {
        const char *object;
        struct fake_rule head;
        enum error_code want;
    } rows[] = {
        {"v1", {"HEAD /", .status = "403 No"}, ERROR_FORBIDDEN},
        {"v1", {"HEAD /", .status = "500 Oops"}, ERROR_SERVER_ERROR},
        {"v1", {"HEAD /", .status = "405 No"}, ERROR_SERVER_ERROR},
        {BLOB_DIGEST,
         {"HEAD /", .status = "200 OK", .headers = "Docker-Content-Digest: " OTHER_DIGEST "\r\n"},
         ERROR_DIGEST_MISMATCH},
        {"../v1", {0}, ERROR_INVALID},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {{"GET /", .status = "500 Oops"}, rows[i].head, {0}};
        char digest[DIGEST_TEXT_BYTES] = "before";
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        assert_false(
            registry_manifest_digest(t.registry, rows[i].object, digest, &t.cancel, &t.err));
        assert_int_equal(t.err.code, rows[i].want);
        assert_string_equal(digest, "before");
        trial_end(&t);
    }
}

#define UNSUPPORTED "{\"errors\":[{\"code\":\"UNSUPPORTED\",\"message\":\"read only\"}]}"

static void maps_responses_to_deletes(void **state)
{
    static const struct {
        const char *status, *body;
        enum error_code want;
    } rows[] = {
        {"202 Accepted", "", ERROR_NONE},
        {"200 OK", "", ERROR_NONE},
        {"204 Gone", "", ERROR_NONE},
        {"404 Not Found", "", ERROR_NONE},
        {"405 No", "", ERROR_UNSUPPORTED},
        {"405 No", UNSUPPORTED, ERROR_UNSUPPORTED},
        {"400 Bad", UNSUPPORTED, ERROR_UNSUPPORTED},
        {"400 Bad", "", ERROR_PROTOCOL},
        {"403 No", "", ERROR_FORBIDDEN},
        {"503 Busy", "", ERROR_SERVER_ERROR},
        {"302 Go", "", ERROR_PROTOCOL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {
            {"DELETE /v2/a/b/manifests/" BLOB_DIGEST " ", .status = rows[i].status,
             .body = rows[i].body},
            {"DELETE /v2/a/b/blobs/" BLOB_DIGEST " ", .status = rows[i].status,
             .body = rows[i].body},
            {0},
        };
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        assert_int_equal(registry_delete_manifest(t.registry, BLOB_DIGEST, &t.cancel, &t.err),
                         rows[i].want == ERROR_NONE);
        assert_int_equal(t.err.code, rows[i].want);
        assert_int_equal(registry_delete_blob(t.registry, BLOB_DIGEST, &t.cancel, &t.err),
                         rows[i].want == ERROR_NONE);
        assert_int_equal(t.err.code, rows[i].want);
        assert_int_equal(fake_requests(&t.fake), 2);
        trial_end(&t);
    }
}

static void deletes_only_by_digest(void **state)
{
    static const struct fake_rule none[] = {{0}};
    struct trial t;

    (void)state;
    trial_begin(&t, none, (struct identity){0});
    assert_false(registry_delete_manifest(t.registry, "v1", &t.cancel, &t.err));
    assert_int_equal(t.err.code, ERROR_INVALID);
    assert_false(registry_delete_blob(t.registry, "../x", &t.cancel, &t.err));
    assert_int_equal(t.err.code, ERROR_INVALID);
    assert_int_equal(fake_requests(&t.fake), 0);
    trial_end(&t);
}

/* The token of the pushes stays what it is. */
static void requests_the_delete_scope_only_to_delete(void **state)
{
    static const struct fake_rule rules[] = {
        {"POST /token", .with = "pull%2Cpush%2Cdelete", .status = "200 OK",
         .body = "{\"access_token\":\"more\"}"},
        {"POST /token", .status = "200 OK", .body = "{\"access_token\":\"less\"}"},
        {"HEAD /v2/", .with = "Bearer less\r\n", .status = "404 No"},
        {"DELETE /v2/", .with = "Bearer more\r\n", .status = "202 Gone"},
        {"", .status = "401 Who", .headers = BEARER},
        {0},
    };
    struct trial t;
    bool exists;

    (void)state;
    trial_begin(&t, rules, (struct identity){.username = "u", .password = "p", .push = true});
    assert_true(registry_blob_exists(t.registry, &blob, &exists, &t.cancel, &t.err));
    assert_true(registry_delete_blob(t.registry, BLOB_DIGEST, &t.cancel, &t.err));
    assert_true(registry_blob_exists(t.registry, &blob, &exists, &t.cancel, &t.err));
    assert_true(registry_delete_manifest(t.registry, BLOB_DIGEST, &t.cancel, &t.err));
    assert_int_equal(trial_count(&t.fake, "POST /token"), 2);
    assert_int_equal(trial_count(&t.fake, "%2Cdelete"), 1);
    assert_int_equal(fake_requests(&t.fake), 8);
    trial_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pushes_a_blob),
        cmocka_unit_test(sends_the_body_again_after_401),
        cmocka_unit_test(cancels_a_failed_upload),
        cmocka_unit_test(cancels_with_the_delete_scope_if_required),
        cmocka_unit_test(refuses_odd_uploads),
        cmocka_unit_test(uploads_elsewhere_without_identity),
        cmocka_unit_test(sends_each_chunk_to_the_last_location),
        cmocka_unit_test(respects_the_minimum_chunk_size),
        cmocka_unit_test(resumes_at_the_offset_of_the_registry),
        cmocka_unit_test(rejects_a_range_beyond_what_was_sent),
        cmocka_unit_test(goes_on_if_the_range_lags_behind),
        cmocka_unit_test(skips_what_the_registry_has_beyond_its_range),
        cmocka_unit_test(says_what_the_range_header_said),
        cmocka_unit_test(restarts_an_upload_whose_state_is_unknown),
        cmocka_unit_test(restarts_an_upload_that_the_registry_lost),
        cmocka_unit_test(restarts_a_broken_put),
        cmocka_unit_test(detects_a_blob_that_arrived_before_the_break),
        cmocka_unit_test(gives_up_without_progress),
        cmocka_unit_test(does_not_resume_a_rejected_upload),
        cmocka_unit_test(answers_401_in_the_middle_of_an_upload),
        cmocka_unit_test(follows_an_upload_to_another_host_without_identity),
        cmocka_unit_test(mounts_a_blob),
        cmocka_unit_test(uploads_if_the_registry_does_not_mount),
        cmocka_unit_test(fails_if_a_mount_fails),
        cmocka_unit_test(names_the_registry_to_a_mirror_that_mounts),
        cmocka_unit_test(names_the_registry_to_a_mirror_in_every_request),
        cmocka_unit_test(pushes_a_manifest),
        cmocka_unit_test(verifies_the_stored_digest_by_its_algorithm),
        cmocka_unit_test(says_which_digest_the_registry_stored),
        cmocka_unit_test(returns_the_digest_of_a_tag),
        cmocka_unit_test(returns_no_digest_of_a_missing_manifest),
        cmocka_unit_test(maps_responses_to_deletes),
        cmocka_unit_test(deletes_only_by_digest),
        cmocka_unit_test(requests_the_delete_scope_only_to_delete),
    };
    int failed;

    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
    http_library_init();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    http_library_deinit();
    return failed;
}
