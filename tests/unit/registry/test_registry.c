/* SPDX-License-Identifier: Apache-2.0 */
/* The distribution protocol against scripted answers: right ones, wrong ones and none. */
#include "registry/registry_blob.h"
#include "registry/registry_read.h"

#include "oci/digest.h"
#include "support/registry_fixture.h"

#include <stdio.h>
#include <string.h>

#define JSON_MANIFEST "{\"mediaType\":\"" MEDIA_TYPE_DOCKER_LIST "\"}"

static bool take(void *arg, const void *data, size_t size, struct error *err)
{
    (void)err;
    buf_append(arg, data, size);
    return true;
}

static bool get_blob(struct trial *t)
{
    buf_clear(&t->taken);
    return registry_blob(t->registry, &blob, take, &t->taken, &t->cancel, &t->err);
}

static bool get_manifest(struct trial *t, const char *object, struct descriptor *found)
{
    return registry_manifest(t->registry, object, &t->taken, found, &t->arena, &t->cancel, &t->err);
}

static void streams_a_blob(void **state)
{
    static const struct fake_rule rules[] = {
        {"GET /v2/a/b/blobs/" BLOB_DIGEST " ", .status = "200 OK", .body = BLOB}, {0}};
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    assert_true(get_blob(&t));
    assert_string_equal(t.taken.data, BLOB);
    assert_int_equal(registry_traffic(t.registry)->fetched_bytes, 5);
    assert_true(registry_traffic(t.registry)->connect >= 0);
    assert_true(registry_traffic(t.registry)->first_byte >= 0);
    assert_true(registry_traffic(t.registry)->token < 0);
    assert_true(registry_traffic(t.registry)->tls < 0);
    trial_end(&t);
}

static void rejects_wrong_blobs(void **state)
{
    static const struct {
        struct fake_rule rule;
        enum error_code want;
    } rows[] = {
        {{"GET /", .status = "200 OK", .body = "jello"}, ERROR_DIGEST_MISMATCH},
        {{"GET /", .status = "200 OK", .body = "hell"}, ERROR_SIZE_MISMATCH},
        {{"GET /", .status = "200 OK", .body = "hello!"}, ERROR_SIZE_MISMATCH},
        {{"GET /", .status = "200 OK", .body = "hel", .length_off = 2, .end = FAKE_CLOSE},
         ERROR_CONNECT},
        {{"GET /", .status = "204 Nothing"}, ERROR_PROTOCOL},
        {{"GET /", .status = "302 Go", .headers = "Location: /x\r\n"}, ERROR_PROTOCOL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {rows[i].rule, {0}};
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        assert_false(get_blob(&t));
        assert_int_equal(t.err.code, rows[i].want);
        trial_end(&t);
    }
}

static void requests_no_blob_without_a_verifiable_digest(void **state)
{
    static const struct fake_rule none[] = {{0}};
    const struct descriptor odd[] = {
        {.digest = "sha512:00", .size = 1},
        {.digest = "../../x", .size = 1},
        {.digest = BLOB_DIGEST, .size = -1},
    };
    struct trial t;

    (void)state;
    trial_begin(&t, none, (struct identity){0});
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        assert_false(registry_blob(t.registry, &odd[i], take, &t.taken, &t.cancel, &t.err));
    assert_int_equal(fake_requests(&t.fake), 0);
    trial_end(&t);
}

static void maps_failures_to_reasons(void **state)
{
    static const struct {
        const char *status, *body;
        enum error_code want;
    } rows[] = {
        {"403 Forbidden", "", ERROR_FORBIDDEN},
        {"404 Not Found", "", ERROR_NOT_FOUND},
        {"400 Bad", "", ERROR_PROTOCOL},
        {"418 Teapot", "not json", ERROR_PROTOCOL},
        {"429 Slow", "", ERROR_RATE_LIMITED},
        {"500 Oops", "", ERROR_SERVER_ERROR},
        {"503 Busy", "{\"errors\":[{\"code\":\"DENIED\"}]}", ERROR_SERVER_ERROR},
        {"507 Full", "", ERROR_NO_SPACE},
        {"400 Bad", "{\"errors\":[{\"code\":\"DIGEST_INVALID\"}]}", ERROR_INVALID},
        {"400 Bad", "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\"}]}", ERROR_RATE_LIMITED},
        {"404 No", "{\"errors\":[{\"code\":\"DENIED\"}]}", ERROR_FORBIDDEN},
        {"404 No", "{\"errors\":[]}", ERROR_NOT_FOUND},
        {"401 No", "", ERROR_UNAUTHORIZED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {{"GET /", .status = rows[i].status, .body = rows[i].body},
                                          {0}};
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        assert_false(get_blob(&t));
        assert_int_equal(t.err.code, rows[i].want);
        assert_int_equal(t.err.status, atoi(rows[i].status));
        trial_end(&t);
    }
}

static void messages_contain_code_and_text_of_the_registry(void **state)
{
    static const struct fake_rule rules[] = {
        {"GET /", .status = "404 Not Found",
         .body = "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"no\\nsuch\"}]}"},
        {0},
    };
    struct descriptor found;
    struct trial t;
    char want[200];

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    assert_false(get_manifest(&t, "v1", &found));
    assert_int_equal(t.err.code, ERROR_NOT_FOUND);
    snprintf(want, sizeof(want),
             "GET http://%s/v2/a/b/manifests/v1: HTTP 404 MANIFEST_UNKNOWN: no such", t.fake.host);
    assert_string_equal(t.err.message, want);
    trial_end(&t);
}

/* What Go answers, and a registry that rejects the request itself. */
static void a_bad_request_over_plain_http_hints_at_tls(void **state)
{
    static const struct {
        const char *body;
        bool hints;
    } rows[] = {
        {"Client sent an HTTP request to an HTTPS server.\n", true},
        {"", true},
        {"{\"errors\":[{\"code\":\"NAME_INVALID\",\"message\":\"no\"}]}", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {
            {"GET /", .status = "400 Bad Request", .body = rows[i].body}, {0}};
        struct descriptor found;
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        assert_false(get_manifest(&t, "v1", &found));
        assert_int_equal(t.err.status, 400);
        if ((strstr(t.err.message, "may expect HTTPS") != NULL) != rows[i].hints)
            fail_msg("row %zu: %s", i, t.err.message);
        trial_end(&t);
    }
}

static void describes_manifests(void **state)
{
    static const struct {
        const char *headers, *body, *want;
    } rows[] = {
        {"Content-Type: " MEDIA_TYPE_OCI_INDEX "; charset=utf-8\r\n", "{}", MEDIA_TYPE_OCI_INDEX},
        {"Content-Type: application/octet-stream\r\n", JSON_MANIFEST, MEDIA_TYPE_DOCKER_LIST},
        {"", JSON_MANIFEST, MEDIA_TYPE_DOCKER_LIST},
        {"", "not json", ""},
        {"Content-Type: text/plain\r\n", "{}", "text/plain"},
        {"Content-Type: a/b\r\nDocker-Content-Digest:\r\n", "{}", "a/b"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {{"GET /v2/a/b/manifests/v1 ", .status = "200 OK",
                                           .headers = rows[i].headers, .body = rows[i].body},
                                          {0}};
        char digest[DIGEST_TEXT_BYTES];
        struct descriptor found;
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        assert_true(get_manifest(&t, "v1", &found));
        assert_string_equal(t.taken.data, rows[i].body);
        assert_string_equal(found.media_type, rows[i].want);
        assert_int_equal(found.size, strlen(rows[i].body));
        assert_true(digest_of(rows[i].body, strlen(rows[i].body), digest, &t.err));
        assert_string_equal(found.digest, digest);
        assert_true(fake_saw(&t.fake, MEDIA_TYPE_OCI_MANIFEST ", " MEDIA_TYPE_OCI_INDEX ", */*"));
        trial_end(&t);
    }
}

#define EMPTY_SHA512                                                          \
    "sha512:27c74670adb75075fad058d5ceaf7b20c4e7786c83bae8a32f626f9782af34c9" \
    "a33c2046ef60fd2a7878d378e29fec851806bbd9a67878f3a9f1cda4830763fd"

/* By the algorithm that the registry uses. What is no digest, containerd refuses, too. */
static void verifies_the_announced_digest(void **state)
{
    static const struct {
        const char *header;
        enum error_code want;
    } rows[] = {
        {"Docker-Content-Digest: " EMPTY_SHA512 "\r\n", ERROR_NONE},
        {"Docker-Content-Digest: " OTHER_DIGEST "\r\n", ERROR_DIGEST_MISMATCH},
        {"Docker-Content-Digest: sha512:00\r\n", ERROR_PROTOCOL},
        {"Docker-Content-Digest: 44136fa3\r\n", ERROR_PROTOCOL},
        {"Docker-Content-Digest: blake3:00\r\n", ERROR_UNSUPPORTED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {
            {"GET /", .status = "200 OK", .headers = rows[i].header, .body = "{}"}, {0}};
        struct descriptor found;
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        if (get_manifest(&t, "v1", &found) != (rows[i].want == ERROR_NONE))
            fail_msg("%s: %s", rows[i].header, t.err.message);
        assert_int_equal(t.err.code, rows[i].want);
        trial_end(&t);
    }
}

static void rejects_wrong_manifests(void **state)
{
    static const struct fake_rule rules[] = {
        {"GET /v2/a/b/manifests/lies", .status = "200 OK",
         .headers = "Docker-Content-Digest: " OTHER_DIGEST "\r\n", .body = "{}"},
        {"GET /", .status = "200 OK", .body = "{}"},
        {0},
    };
    struct descriptor found;
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    assert_false(get_manifest(&t, OTHER_DIGEST, &found));
    assert_int_equal(t.err.code, ERROR_DIGEST_MISMATCH);
    assert_false(get_manifest(&t, "lies", &found));
    assert_int_equal(t.err.code, ERROR_DIGEST_MISMATCH);
    assert_false(get_manifest(&t, "../x", &found));
    assert_int_equal(t.err.code, ERROR_INVALID);
    trial_end(&t);
}

static void limits_the_size_of_manifests(void **state)
{
    static char much[MANIFEST_LIMIT_BYTES + 1];
    const struct fake_rule rules[] = {
        {"GET /", .status = "200 OK", .body = much, .body_bytes = sizeof(much)}, {0}};
    struct descriptor found;
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    assert_false(get_manifest(&t, "v1", &found));
    assert_int_equal(t.err.code, ERROR_LIMIT);
    trial_end(&t);
}

static void answers_basic_with_user_and_password(void **state)
{
    static const struct fake_rule rules[] = {
        {"GET /", .with = "Authorization: Basic dXNlcjpwYXNz\r\n", .status = "200 OK",
         .body = BLOB},
        {"GET /", .status = "401 Who", .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n"},
        {0},
    };
    const struct identity right = {.username = "user", .password = "pass"};
    const struct identity wrong = {.username = "user", .password = "wrong-secret"};
    struct trial t;

    (void)state;
    trial_begin(&t, rules, right);
    assert_true(get_blob(&t));
    assert_true(get_blob(&t));
    assert_int_equal(fake_requests(&t.fake), 3);
    trial_end(&t);
    trial_begin(&t, rules, wrong);
    assert_false(get_blob(&t));
    assert_int_equal(t.err.code, ERROR_UNAUTHORIZED);
    assert_int_equal(t.err.status, 401);
    assert_null(strstr(t.err.message, "wrong-secret"));
    trial_end(&t);
    trial_begin(&t, rules, (struct identity){0});
    assert_false(get_blob(&t));
    assert_int_equal(t.err.code, ERROR_UNAUTHORIZED);
    assert_int_equal(fake_requests(&t.fake), 1);
    trial_end(&t);
}

static void fetches_an_anonymous_token_once(void **state)
{
    static const struct fake_rule rules[] = {
        {"GET /v2/", .with = "Authorization: Bearer t-1\r\n", .status = "200 OK", .body = BLOB},
        {"GET /v2/", .status = "401 Who", .headers = BEARER},
        {"GET /token?x=1&service=the%20service&scope=repository%3Aa%2Fb%3Apull"
         "&scope=other%3Ac%3Apull ",
         .status = "200 OK", .body = "{\"token\":\"t-1\"}"},
        {0},
    };
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    assert_true(get_blob(&t));
    assert_true(get_blob(&t));
    assert_int_equal(fake_requests(&t.fake), 4);
    assert_true(registry_traffic(t.registry)->token >= 0);
    assert_false(fake_saw(&t.fake, "Basic"));
    trial_end(&t);
}

static void fetches_a_token_with_a_password(void **state)
{
    static const struct fake_rule by_post[] = {
        {"GET /v2/", .with = "Bearer t-2\r\n", .status = "200 OK", .body = BLOB},
        {"GET /v2/", .status = "401 Who", .headers = BEARER},
        {"POST /token", .status = "200 OK",
         .body = "{\"token\":\"not this\",\"access_token\":\"t-2\"}"},
        {0},
    };
    static const struct fake_rule by_get[] = {
        {"GET /v2/", .with = "Bearer t-3\r\n", .status = "200 OK", .body = BLOB},
        {"GET /v2/", .status = "401 Who", .headers = BEARER},
        {"GET /token", .with = "Basic dTo6cCY9\r\n", .status = "200 OK",
         .body = "{\"token\":\"t-3\"}"},
        {0},
    };
    const struct identity options = {.username = "u:", .password = "p&=", .push = true};
    struct trial t;

    (void)state;
    trial_begin(&t, by_post, options);
    assert_true(get_blob(&t));
    assert_true(fake_saw(&t.fake, "grant_type=password&username=u%3A&password=p%26%3D&service="
                                  "the%20service&scope=repository%3Aa%2Fb%3Apull%2Cpush+"
                                  "repository%3Aa%2Fb%3Apull+other%3Ac%3Apull"));
    trial_end(&t);
    trial_begin(&t, by_get, options);
    assert_true(get_blob(&t));
    trial_end(&t);
}

static void renews_a_token_once(void **state)
{
    static const struct fake_rule rules[] = {
        {"GET /v2/", .with = "Bearer old\r\n", .uses = 1, .status = "200 OK", .body = BLOB},
        {"GET /v2/", .with = "Bearer new\r\n", .uses = 1, .status = "200 OK", .body = BLOB},
        {"GET /v2/", .status = "401 Who", .headers = BEARER},
        {"GET /token", .uses = 1, .status = "200 OK", .body = "{\"token\":\"old\"}"},
        {"GET /token", .status = "200 OK", .body = "{\"token\":\"new\"}"},
        {0},
    };
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    assert_true(get_blob(&t));
    assert_true(get_blob(&t));
    assert_false(get_blob(&t));
    assert_int_equal(t.err.code, ERROR_UNAUTHORIZED);
    assert_null(strstr(t.err.message, "new"));
    trial_end(&t);
}

static void refuses_odd_token_servers(void **state)
{
    static const struct {
        const char *auth_challenge;
        struct fake_rule token;
        enum error_code want;
    } rows[] = {
        {BEARER, {"GET /token", .status = "500 Oops"}, ERROR_SERVER_ERROR},
        {BEARER, {"GET /token", .status = "401 Who"}, ERROR_UNAUTHORIZED},
        {BEARER, {"GET /token", .status = "404 No"}, ERROR_UNAUTHORIZED},
        {BEARER, {"GET /token", .status = "200 OK", .body = "{}"}, ERROR_PROTOCOL},
        {BEARER, {"GET /token", .status = "200 OK", .body = "no json"}, ERROR_PROTOCOL},
        {BEARER,
         {"GET /token", .status = "200 OK", .body = "{\"token\":\"a\\r\\nb\"}"},
         ERROR_PROTOCOL},
        {"WWW-Authenticate: Bearer realm=\"file:///etc/passwd\"\r\n", {0}, ERROR_PROTOCOL},
        {"WWW-Authenticate: Bearer realm=\"http://x:99999/\"\r\n", {0}, ERROR_PROTOCOL},
        {"WWW-Authenticate: Bearer realm=\"http://[::1/\"\r\n", {0}, ERROR_PROTOCOL},
        {"WWW-Authenticate: Negotiate\r\n", {0}, ERROR_UNAUTHORIZED},
        {"", {0}, ERROR_UNAUTHORIZED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {
            {"GET /v2/", .status = "401 Who", .headers = rows[i].auth_challenge},
            rows[i].token,
            {0}};
        struct trial t;

        trial_begin(&t, rules, (struct identity){0});
        assert_false(get_blob(&t));
        assert_int_equal(t.err.code, rows[i].want);
        trial_end(&t);
    }
}

static void a_refusal_says_that_there_was_a_redirect(void **state)
{
    static const struct fake_rule there[] = {{"GET /", .status = "403 Denied"}, {0}};
    struct fake_rule here[] = {{"GET /", .status = "307 Go"}, {0}};
    struct fake_http other;
    struct trial t;
    char location[128];

    (void)state;
    fake_start(&other, there);
    snprintf(location, sizeof(location), "Location: http://%s/blob\r\n", other.host);
    here[0].headers = location;
    trial_begin(&t, here, (struct identity){0});
    assert_false(get_blob(&t));
    assert_int_equal(t.err.code, ERROR_FORBIDDEN);
    assert_non_null(strstr(t.err.message, ", redirected to another host: HTTP 403"));
    trial_end(&t);
    fake_stop(&other);
}

static void names_the_file_without_credentials(void **state)
{
    static const struct fake_rule rules[] = {
        {"GET /", .status = "401 Who", .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n"}, {0}};
    static const struct {
        const char *searched, *want;
    } rows[] = {
        {NULL, "a user and a password: none is configured"},
        {"/x/config.json", "a user and a password: /x/config.json has none for it"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct trial t;

        trial_begin(&t, rules, (struct identity){.searched = rows[i].searched});
        assert_false(get_blob(&t));
        assert_int_equal(t.err.code, ERROR_UNAUTHORIZED);
        assert_non_null(strstr(t.err.message, rows[i].want));
        trial_end(&t);
    }
}

static void answers_no_challenge_of_another_host(void **state)
{
    static const struct fake_rule there[] = {
        {"GET /", .status = "401 Who", .headers = "WWW-Authenticate: Basic realm=\"r\"\r\n"}, {0}};
    struct fake_rule here[] = {{"GET /", .status = "307 Go"}, {0}};
    const struct identity options = {.username = "user", .password = "pass"};
    struct fake_http other;
    struct trial t;
    char location[128];

    (void)state;
    fake_start(&other, there);
    snprintf(location, sizeof(location), "Location: http://%s/blob\r\n", other.host);
    here[0].headers = location;
    trial_begin(&t, here, options);
    assert_false(get_blob(&t));
    assert_int_equal(t.err.code, ERROR_UNAUTHORIZED);
    assert_int_equal(fake_requests(&other), 1);
    assert_false(fake_saw(&other, "Authorization"));
    trial_end(&t);
    fake_stop(&other);
}

static void checks_whether_a_blob_exists(void **state)
{
    static const struct fake_rule rules[] = {
        {"HEAD /v2/a/b/blobs/" BLOB_DIGEST, .uses = 1, .status = "200 OK", .body = BLOB},
        {"HEAD /v2/a/b/blobs/" BLOB_DIGEST, .uses = 1, .status = "404 No"},
        {"HEAD /", .status = "500 Oops"},
        {0},
    };
    bool exists = false;
    struct trial t;

    (void)state;
    trial_begin(&t, rules, (struct identity){0});
    assert_true(registry_blob_exists(t.registry, &blob, &exists, &t.cancel, &t.err));
    assert_true(exists);
    assert_true(registry_blob_exists(t.registry, &blob, &exists, &t.cancel, &t.err));
    assert_false(exists);
    assert_false(registry_blob_exists(t.registry, &blob, &exists, &t.cancel, &t.err));
    assert_int_equal(t.err.code, ERROR_SERVER_ERROR);
    trial_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_a_blob),
        cmocka_unit_test(rejects_wrong_blobs),
        cmocka_unit_test(requests_no_blob_without_a_verifiable_digest),
        cmocka_unit_test(maps_failures_to_reasons),
        cmocka_unit_test(messages_contain_code_and_text_of_the_registry),
        cmocka_unit_test(a_bad_request_over_plain_http_hints_at_tls),
        cmocka_unit_test(describes_manifests),
        cmocka_unit_test(verifies_the_announced_digest),
        cmocka_unit_test(rejects_wrong_manifests),
        cmocka_unit_test(limits_the_size_of_manifests),
        cmocka_unit_test(answers_basic_with_user_and_password),
        cmocka_unit_test(fetches_an_anonymous_token_once),
        cmocka_unit_test(fetches_a_token_with_a_password),
        cmocka_unit_test(renews_a_token_once),
        cmocka_unit_test(refuses_odd_token_servers),
        cmocka_unit_test(a_refusal_says_that_there_was_a_redirect),
        cmocka_unit_test(names_the_file_without_credentials),
        cmocka_unit_test(answers_no_challenge_of_another_host),
        cmocka_unit_test(checks_whether_a_blob_exists),
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
