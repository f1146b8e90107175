/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads and deletes that the registry redirects, as Go's client follows them. */
#include "support/registry_fixture.h"

#include <stdio.h>
#include <string.h>

#define OPEN        "POST /v2/a/b/blobs/uploads/ "
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct registry_upload at_once = {0}, in_chunks = {.chunk_bytes = 3};

static bool push(struct trial *t, const struct registry_upload *how, struct text_source *text)
{
    bool mounted;

    return trial_push(t, text, how, &mounted);
}

/* The Location of the response is relative to the new place. */
static void repeats_writes_with_their_body(void **state)
{
    static const struct fake_rule rules[] = {
        {OPEN, .status = "307 Go", .headers = "Location: /new/a/uploads/\r\n"},
        {"POST /new/a/uploads/ ", .with = "Content-Length: 0\r\n", .status = "308 Go",
         .headers = "Location: ../ups/?x=1\r\n"},
        {"POST /new/a/ups/?x=1 ", .status = "202 Go", .headers = "Location: uuid?s=0\r\n"},
        {"PATCH /new/a/ups/uuid?s=0 ", .with = "Content-Range: 0-2\r\n", .status = "307 Go",
         .headers = "Location: /store/uuid?s=1\r\n"},
        {"PATCH /store/uuid?s=1 ", .with = "Content-Range: 0-2\r\n", .status = "202 On",
         .headers = "Location: ?s=2\r\n"},
        {"PATCH /store/uuid?s=2 ", .with = "Content-Range: 3-4\r\n", .status = "202 On"},
        {"PUT /store/uuid?s=2&digest=", .with = "Content-Length: 0\r\n", .status = "308 Go",
         .headers = "Location: /done\r\n"},
        {"PUT /done ", .status = "201 Made"},
        {"PUT /new/a/ups/uuid?s=0&digest=", .status = "307 Go", .headers = "Location: /all\r\n"},
        {"PUT /all ", .with = "\r\n\r\n" BLOB, .status = "201 Made"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    if (!push(&t, &in_chunks, &text))
        fail_msg("%s", t.err.message);
    assert_int_equal(trial_count(&t.fake, "\r\n\r\nhel\n--"), 2);
    assert_int_equal(trial_count(&t.fake, "\r\n\r\nlo\n--"), 1);
    if (!push(&t, &at_once, &text))
        fail_msg("%s", t.err.message);
    assert_int_equal(trial_count(&t.fake, "\r\n\r\n" BLOB "\n--"), 2);
    assert_int_equal(registry_traffic(t.registry)->resumed, 0);
    trial_end(&t);
}

/* Go turns them into a GET. Its success is no success of the write. */
static void a_write_that_becomes_a_get_fails(void **state)
{
    static const struct {
        struct fake_rule post, put;
        const char *get_status;
        enum error_code want;
    } rows[] = {
        {{OPEN, .status = "301 Go", .headers = "Location: /x\r\n"},
         {"-"},
         "404 No",
         ERROR_NOT_FOUND},
        {{OPEN, .status = "302 Go", .headers = "Location: /x\r\n"},
         {"-"},
         "405 No",
         ERROR_UNSUPPORTED},
        {{OPEN, .status = "303 Go", .headers = "Location: /x\r\n"},
         {"-"},
         "202 Go",
         ERROR_PROTOCOL},
        {{OPEN, .status = "202 Go", .headers = "Location: /up\r\n"},
         {"PUT /up", .status = "302 Go", .headers = "Location: /x\r\n"},
         "200 OK",
         ERROR_PROTOCOL},
        {{OPEN, .status = "202 Go", .headers = "Location: /up\r\n"},
         {"PUT /up", .status = "300 Go", .headers = "Location: /x\r\n"},
         "200 OK",
         ERROR_PROTOCOL},
        {{OPEN, .status = "202 Go", .headers = "Location: /up\r\n"},
         {"PUT /up", .status = "302 Go"},
         "200 OK",
         ERROR_PROTOCOL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct fake_rule rules[] = {
            rows[i].post,
            rows[i].put,
            {"GET /x ", .status = rows[i].get_status, .headers = "Location: /up\r\n"},
            {"DELETE /up ", .status = "204 Gone"},
            {0},
        };
        struct text_source text = {.text = BLOB};
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        assert_false(push(&t, &at_once, &text));
        if (t.err.code != rows[i].want)
            fail_msg("row %zu: %s", i, t.err.message);
        trial_end(&t);
    }
}

/* A GET that succeeds deletes nothing. */
static void follows_deletes(void **state)
{
    static const struct {
        struct fake_rule rule;
        enum error_code want;
    } rows[] = {
        {{"DELETE /v2/", .status = "307 Go", .headers = "Location: /x\r\n"}, ERROR_NONE},
        {{"DELETE /v2/", .status = "301 Go", .headers = "Location: /x\r\n"}, ERROR_PROTOCOL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct fake_rule rules[] = {rows[i].rule,
                                          {"DELETE /x ", .status = "202 Gone"},
                                          {"GET /x ", .status = "200 OK"},
                                          {0}};
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        (void)!registry_delete_manifest(t.registry, BLOB_DIGEST, &t.cancel, &t.err);
        assert_int_equal(t.err.code, rows[i].want);
        trial_end(&t);
    }
}

static void ends_loops(void **state)
{
    static const struct fake_rule rules[] = {
        {OPEN, .uses = 1, .status = "202 Go", .headers = "Location: /up\r\n"},
        {OPEN, .status = "307 Go", .headers = "Location: ./\r\n"},
        {"PUT /up", .status = "307 Go", .headers = "Location: /up\r\n"},
        {"DELETE /up", .status = "307 Go", .headers = "Location: /up\r\n"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    for (unsigned i = 0; i < 2; i++) {
        assert_false(push(&t, &at_once, &text));
        assert_int_equal(t.err.code, ERROR_PROTOCOL);
    }
    assert_int_equal(trial_count(&t.fake, "PUT /up"), 11);
    assert_int_equal(trial_count(&t.fake, OPEN), 1 + 11);
    assert_int_equal(registry_traffic(t.registry)->stranded, 1);
    trial_end(&t);
}

/* The configuration is right, the registry is not. */
static void bad_redirects_are_the_fault_of_the_registry(void **state)
{
    static const char *const locations[] = {
        "Location: ftp://x/\r\n", "Location: http://x:99999/\r\n", "Location: http:///x\r\n",
        "Location: http:/x\r\n", "Location: http://[::1/\r\n"};

    (void)state;
    for (size_t i = 0; i < COUNT(locations); i++) {
        const struct fake_rule rules[] = {{"", .status = "307 Go", .headers = locations[i]}, {0}};
        struct text_source text = {.text = BLOB};
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        assert_false(push(&t, &at_once, &text));
        if (t.err.code != ERROR_PROTOCOL)
            fail_msg("%s: %s", locations[i], t.err.message);
        trial_end(&t);
    }
}

static void keeps_secrets_from_the_new_host(void **state)
{
    static const struct fake_rule there[] = {
        {"POST /up/", .status = "202 Go", .headers = "Location: 1\r\n"},
        {"PUT /up/1?digest=", .with = "\r\n\r\n" BLOB, .status = "201 Created"},
        {0},
    };
    struct fake_rule here[] = {
        {"POST /", .with = "Authorization: Basic", .status = "307 Go"},
        {"POST /", .status = "401 Who", .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n"},
        {0},
    };
    struct text_source text = {.text = BLOB};
    struct fake_http other;
    struct trial t;
    char location[128];

    (void)state;
    fake_start(&other, there);
    snprintf(location, sizeof(location), "Location: http://%s/up/\r\n", other.host);
    here[0].headers = location;
    trial_begin(&t, here, (struct identity){.username = "u", .password = "p"});
    if (!push(&t, &at_once, &text))
        fail_msg("%s", t.err.message);
    assert_int_equal(fake_requests(&other), 2);
    assert_false(fake_saw(&other, "Authorization"));
    trial_end(&t);
    fake_stop(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeats_writes_with_their_body),
        cmocka_unit_test(a_write_that_becomes_a_get_fails),
        cmocka_unit_test(follows_deletes),
        cmocka_unit_test(ends_loops),
        cmocka_unit_test(bad_redirects_are_the_fault_of_the_registry),
        cmocka_unit_test(keeps_secrets_from_the_new_host),
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
