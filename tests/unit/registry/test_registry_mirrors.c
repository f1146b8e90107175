/* SPDX-License-Identifier: Apache-2.0 */
/* A registry behind a mirror, and broken downloads: the order of hosts, credentials and messages.
 */
#include "registry/registry_blob.h"
#include "registry/registry_private.h"
#include "registry/registry_read.h"

#include "base/clock.h"
#include "oci/digest.h"
#include "support/fake_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BLOB        "hello"
#define BLOB_DIGEST "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define MANIFEST    "{\"mediaType\":\"" MEDIA_TYPE_OCI_MANIFEST "\"}"
#define BASIC       "WWW-Authenticate: Basic realm=\"r\"\r\n"
#define EVERYTHING  (HOST_PULL | HOST_RESOLVE | HOST_PUSH)

static const struct descriptor blob = {.digest = BLOB_DIGEST, .size = 5};
static const struct fake_rule nothing[] = {{0}};
static const struct fake_rule all[] = {
    {"GET /v2/a/b/manifests/v1", .status = "200 OK", .body = MANIFEST},
    {"GET /v2/a/b/blobs/", .status = "200 OK", .body = BLOB},
    {0},
};

struct trial {
    struct fake_http mirror, own;
    struct host hosts[2];
    struct host_list list;
    struct registry *registry;
    struct cancel cancel;
    struct arena arena;
    struct buf taken;
    struct error err;
};

static void prepare(struct trial *t, const struct fake_rule *mirror, const struct fake_rule *own)
{
    *t = (struct trial){.arena = ARENA_INIT(4096), .taken = BUF_INIT(MANIFEST_LIMIT_BYTES)};
    fake_start(&t->mirror, mirror);
    fake_start(&t->own, own);
    for (size_t i = 0; i < 2; i++)
        t->hosts[i] = (struct host){.scheme = "http",
                                    .authority = i == 0 ? t->mirror.host : t->own.host,
                                    .path = "/v2",
                                    .name_space = i == 0 ? "own.example:5000" : "",
                                    .capabilities = EVERYTHING};
    t->list = (struct host_list){t->hosts, 2, "/certs.d/own/hosts.toml"};
    cancel_init(&t->cancel, clock_now_ns() + 60 * NS_PER_SECOND);
}

static void open_registry(struct trial *t)
{
    const struct reference reference = {
        .host = t->own.host, .endpoint = t->own.host, .repository = "a/b"};
    struct credentials who = {.username = {(char *)(uintptr_t) "user"},
                              .password = {(char *)(uintptr_t) "pass"}};

    t->registry = registry_new(
        &reference, &(struct registry_options){.hosts = &t->list, .credentials = &who}, &t->err);
    assert_non_null(t->registry);
}

static void begin(struct trial *t, const struct fake_rule *mirror, const struct fake_rule *own)
{
    prepare(t, mirror, own);
    open_registry(t);
}

static void end(struct trial *t)
{
    registry_free(t->registry);
    cancel_deinit(&t->cancel);
    arena_deinit(&t->arena);
    buf_deinit(&t->taken);
    fake_stop(&t->mirror);
    fake_stop(&t->own);
}

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

static bool get_manifest(struct trial *t, const char *object)
{
    CLEANUP(buf_deinit) struct buf body = BUF_INIT(MANIFEST_LIMIT_BYTES);
    struct descriptor found;

    return registry_manifest(t->registry, object, &body, &found, &t->arena, &t->cancel, &t->err);
}

static void tries_the_mirror_first(void **state)
{
    struct trial t;

    (void)state;
    begin(&t, all, nothing);
    assert_string_equal(registry_served_by(t.registry), "");
    assert_true(get_manifest(&t, "v1"));
    assert_string_equal(registry_served_by(t.registry), t.mirror.host);
    assert_int_equal(registry_passed_over(t.registry)->code, ERROR_NONE);
    assert_true(get_blob(&t));
    assert_int_equal(fake_requests(&t.own), 0);
    assert_true(fake_saw(&t.mirror, "GET /v2/a/b/manifests/v1?ns=own.example%3A5000 "));
    assert_true(fake_saw(&t.mirror, "/blobs/" BLOB_DIGEST "?ns=own.example%3A5000 "));
    end(&t);
}

static void says_why_there_are_no_hosts(void **state)
{
    const struct error failed = {.code = ERROR_INVALID, .message = "/certs.d: Permission denied"};
    const struct host_list list = {.file = "", .failed = &failed};
    const struct reference reference = {.host = "h", .endpoint = "h", .repository = "a/b"};
    struct error err;

    (void)state;
    assert_null(registry_new(&reference, &(struct registry_options){.hosts = &list}, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_string_equal(err.message, failed.message);
}

/* The token is for the name that the mirror knows, too. */
static void asks_a_mirror_for_its_own_repository(void **state)
{
    static const struct fake_rule mirror[] = {
        {"GET /token", .status = "200 OK", .body = "{\"token\":\"t\"}"},
        {"GET /v2/hub/b/manifests/v1", "Bearer t", .status = "200 OK", .body = MANIFEST},
        {"GET /v2/hub/b/manifests/v1", .status = "401 Who",
         .headers = "WWW-Authenticate: Bearer realm=\"http://@HOST@/token\",service=\"s\"\r\n"},
        {0},
    };
    struct trial t;

    (void)state;
    prepare(&t, mirror, all);
    t.hosts[0].repository = "hub/b";
    open_registry(&t);
    assert_true(get_manifest(&t, "v1"));
    assert_string_equal(registry_served_by(t.registry), t.mirror.host);
    assert_true(fake_saw(&t.mirror, "GET /v2/hub/b/manifests/v1?ns=own.example%3A5000 "));
    assert_true(fake_saw(&t.mirror, "scope=repository%3Ahub%2Fb%3Apull"));
    assert_false(fake_saw(&t.mirror, "a%2Fb"));
    end(&t);
}

static void falls_back_to_the_registry(void **state)
{
    static const struct {
        struct fake_rule rule;
        enum error_code why;
    } rows[] = {
        {{"GET /", .status = "404 No"}, ERROR_NOT_FOUND},
        {{"GET /", .status = "500 Oops"}, ERROR_SERVER_ERROR},
        {{"GET /", .status = "403 No"}, ERROR_FORBIDDEN},
        {{"GET /", .end = FAKE_RESET}, ERROR_CONNECT},
        {{"GET /", .status = "401 Who", .headers = BASIC}, ERROR_UNAUTHORIZED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule mirror[] = {rows[i].rule, {0}};
        struct trial t;

        begin(&t, mirror, all);
        assert_true(get_manifest(&t, "v1"));
        assert_string_equal(registry_served_by(t.registry), t.own.host);
        assert_int_equal(registry_passed_over(t.registry)->code, rows[i].why);
        assert_true(get_blob(&t));
        assert_false(fake_saw(&t.own, "ns="));
        assert_false(fake_saw(&t.mirror, "Authorization"));
        end(&t);
    }
}

static void returns_the_most_informative_error(void **state)
{
    static const struct {
        struct fake_rule mirror, own;
        enum error_code want;
    } rows[] = {
        {{"GET /", .end = FAKE_RESET}, {"GET /", .status = "404 No"}, ERROR_NOT_FOUND},
        {{"GET /", .status = "404 No"}, {"GET /", .end = FAKE_RESET}, ERROR_NOT_FOUND},
        {{"GET /", .status = "404 No"}, {"GET /", .status = "500 Oops"}, ERROR_SERVER_ERROR},
        {{"GET /", .status = "403 No"}, {"GET /", .status = "404 No"}, ERROR_FORBIDDEN},
        {{"GET /", .status = "429 Slow"}, {"GET /", .status = "500 Oops"}, ERROR_RATE_LIMITED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule mirror[] = {rows[i].mirror, {0}}, own[] = {rows[i].own, {0}};
        struct trial t;

        begin(&t, mirror, own);
        assert_false(get_manifest(&t, "v1"));
        assert_int_equal(t.err.code, rows[i].want);
        end(&t);
    }
}

static void respects_capabilities(void **state)
{
    struct trial t;

    (void)state;
    prepare(&t, all, all);
    t.hosts[0].capabilities = HOST_PULL; /* a tag has to be resolved */
    open_registry(&t);
    assert_true(get_manifest(&t, "v1"));
    assert_int_equal(fake_requests(&t.mirror), 0);
    assert_true(get_blob(&t));
    assert_int_equal(fake_requests(&t.mirror), 1);
    end(&t);

    prepare(&t, all, all);
    t.hosts[0].capabilities = t.hosts[1].capabilities = HOST_PUSH;
    open_registry(&t);
    assert_false(get_manifest(&t, "v1"));
    assert_int_equal(t.err.code, ERROR_INVALID);
    assert_non_null(strstr(t.err.message, "hosts.toml"));
    end(&t);
}

/* hosts.toml has another spelling of the registry: containerd sends ns=, the user's password is for
 * it nevertheless. */
static void the_default_port_makes_no_mirror(void **state)
{
    static const struct {
        const char *scheme, *authority, *registry;
        bool known;
    } rows[] = {
        {"http", "own.invalid:80", "own.invalid", true},
        {"http", "own.invalid", "OWN.invalid:80", true},
        {"https", "own.invalid:443", "own.invalid", true},
        {"http", "own.invalid:443", "own.invalid", false},
        {"http", "own.invalid:5000", "own.invalid", false},
        {"http", "mirror.invalid", "own.invalid", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct trial t;

        prepare(&t, nothing, nothing);
        t.hosts[0].scheme = rows[i].scheme;
        t.hosts[0].authority = rows[i].authority;
        t.hosts[0].name_space = rows[i].registry;
        open_registry(&t);
        assert_int_equal(t.registry->mirrors[0].auth->credentials.username.text != NULL,
                         rows[i].known);
        end(&t);
    }
}

static void sends_headers_of_a_mirror_only_to_it(void **state)
{
    static const char *const headers[] = {"X-Custom: a", "X-Custom: b", NULL};
    static const struct fake_rule none[] = {{"GET /", .status = "404 No"}, {0}};
    struct trial t;

    (void)state;
    prepare(&t, none, all);
    t.hosts[0].headers = headers;
    open_registry(&t);
    assert_true(get_manifest(&t, "v1"));
    assert_true(fake_saw(&t.mirror, "X-Custom: a\r\nX-Custom: b\r\n"));
    assert_false(fake_saw(&t.own, "X-Custom"));
    end(&t);
}

static void falls_back_to_http_without_tls(void **state)
{
    struct trial t;

    (void)state;
    prepare(&t, all, nothing);
    t.hosts[0].try_https_first = true;
    open_registry(&t);
    assert_true(get_manifest(&t, "v1"));
    assert_true(get_blob(&t));
    assert_string_equal(registry_served_by(t.registry), t.mirror.host);
    end(&t);
}

static void resumes_a_broken_download(void **state)
{
    static const struct {
        struct fake_rule rest;
        enum error_code want; /* ERROR_NONE: it works */
    } rows[] = {
        {{"GET /", .with = "Range: bytes=3-\r\n", .status = "206 Part",
          .headers = "Content-Range: bytes 3-4/5\r\n", .body = "lo"},
         ERROR_NONE},
        {{"GET /", .status = "200 OK", .body = BLOB}, ERROR_NONE}, /* from the beginning */
        {{"GET /", .status = "206 Part", .headers = "Content-Range: bytes 2-4/5\r\n",
          .body = "llo"},
         ERROR_PROTOCOL},
        {{"GET /", .status = "206 Part", .body = "lo"}, ERROR_PROTOCOL},
        {{"GET /", .status = "206 Part", .headers = "Content-Range: bytes 3-4/5\r\n", .body = "ll"},
         ERROR_DIGEST_MISMATCH},
        {{"GET /", .status = "416 No"}, ERROR_PROTOCOL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {{"GET /", .uses = 1, .status = "200 OK", .body = "hel",
                                           .length_off = 2, .end = FAKE_CLOSE},
                                          rows[i].rest,
                                          {0}};
        struct trial t;

        prepare(&t, rules, nothing);
        t.list.count = 1;
        open_registry(&t);
        t.err.code = ERROR_NONE;
        assert_int_equal(get_blob(&t), rows[i].want == ERROR_NONE);
        assert_int_equal(t.err.code, rows[i].want);
        if (rows[i].want == ERROR_NONE)
            assert_string_equal(t.taken.data, BLOB);
        assert_int_equal(registry_traffic(t.registry)->resumed, 1);
        end(&t);
    }
}

static void gives_up_a_download_without_progress(void **state)
{
    static const struct fake_rule rules[] = {
        {"GET /", .uses = 1, .status = "200 OK", .body = "hel", .length_off = 2, .end = FAKE_CLOSE},
        {"GET /", .end = FAKE_RESET},
        {0}};
    static const struct fake_rule own[] = {
        {"GET /", .with = "Range: bytes=3-\r\n", .status = "206 Part",
         .headers = "Content-Range: bytes 3-4/5\r\n", .body = "lo"},
        {0}};
    struct trial t;

    (void)state;
    prepare(&t, rules, nothing);
    t.list.count = 1;
    open_registry(&t);
    assert_false(get_blob(&t));
    assert_int_equal(t.err.code, ERROR_CONNECT);
    assert_in_range(fake_requests(&t.mirror), 4,
                    8); /* curl itself asks again on a kept connection */
    end(&t);

    begin(&t, rules, own); /* another host has the rest */
    assert_true(get_blob(&t));
    assert_string_equal(t.taken.data, BLOB);
    end(&t);
}

static void records_the_limits_of_the_registry(void **state)
{
    static const struct fake_rule own[] = {
        {"GET /v2/a/b/manifests/v1", .status = "200 OK", .body = MANIFEST,
         .headers = "RateLimit-Limit: 100;w=21600\r\nRateLimit-Remaining: 76;w=21600\r\n"},
        {"GET /v2/a/b/manifests/v2", .status = "429 Slow", .headers = "Retry-After: 17\r\n"},
        {"GET /v2/a/b/manifests/v3", .status = "429 Slow", .headers = "Retry-After: never\r\n"},
        {0}};
    static const struct fake_rule mirror[] = {
        {"GET /", .status = "429 Slow", .headers = "RateLimit-Limit: 1\r\nRetry-After: 99\r\n"},
        {0}};
    struct trial t;

    (void)state;
    begin(&t, mirror, own);
    assert_true(registry_traffic(t.registry)->rate_limit < 0);
    assert_true(get_manifest(&t, "v1"));
    assert_int_equal(registry_traffic(t.registry)->rate_limit, 100);
    assert_int_equal(registry_traffic(t.registry)->rate_limit_remaining, 76);
    assert_true(registry_traffic(t.registry)->retry_after < 0);
    assert_false(get_manifest(&t, "v2"));
    assert_int_equal(t.err.code, ERROR_RATE_LIMITED);
    assert_int_equal(registry_traffic(t.registry)->retry_after, 17);
    assert_false(get_manifest(&t, "v3"));
    assert_int_equal(registry_traffic(t.registry)->retry_after, 17);
    end(&t);
}

static void reads_retry_after_as_seconds_or_date(void **state)
{
    static const struct {
        const char *status, *header;
        double min, max;
    } rows[] = {
        {"429 Slow", "Retry-After: 5\r\n", 5, 5},
        {"503 Busy", "Retry-After: 6;x\r\n", 6, 6},
        {"503 Busy", "Retry-After: 7, x\r\n", 7, 7},
        {"500 Oops", "Retry-After: 8\r\n", -1, -1},
        {"429 Slow", "Retry-After: 9s\r\n", -1, -1},
        {"429 Slow", "Retry-After: -1\r\n", -1, -1},
        {"429 Slow", "Retry-After: Fri, 01 Jan 1999 00:00:00 GMT\r\n", 0, 0},
        {"429 Slow", "Retry-After: Sun, 01 Jan 2096 00:00:00 GMT\r\n", 1e6, 3e9},
        {"429 Slow", "", -1, -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule own[] = {
            {"GET /", .status = rows[i].status, .headers = rows[i].header}, {0}};
        struct trial t;
        double seconds;

        begin(&t, nothing, own);
        assert_false(get_manifest(&t, "v1"));
        seconds = registry_traffic(t.registry)->retry_after;
        if (seconds < rows[i].min || seconds > rows[i].max)
            fail_msg("row %zu: %f", i, seconds);
        end(&t);
    }
}

static void clones_share_tokens_and_fallback(void **state)
{
    static const struct fake_rule rules[] = {{"GET /",
                                              .with = "Authorization: Basic dXNlcjpwYXNz\r\n",
                                              .status = "200 OK", .body = BLOB},
                                             {"GET /", .status = "401 Who", .headers = BASIC},
                                             {0}};
    struct registry *clone;
    struct trial t;

    (void)state;
    prepare(&t, nothing, rules);
    t.list = (struct host_list){&t.hosts[1], 1, ""};
    t.hosts[1].try_https_first = true;
    open_registry(&t);
    assert_true(get_blob(&t));
    clone = registry_clone(t.registry, &t.err);
    assert_non_null(clone);
    fake_hang_up(&t.own);
    assert_true(registry_blob(clone, &blob, take, &t.taken, &t.cancel, &t.err));
    assert_int_equal(registry_traffic(t.registry)->fetched_bytes, 5);
    registry_free(clone);
    assert_int_equal(registry_traffic(t.registry)->fetched_bytes, 10);
    assert_int_equal(fake_requests(&t.own), 3); /* one more request: TLS is not tried twice */
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tries_the_mirror_first),
        cmocka_unit_test(says_why_there_are_no_hosts),
        cmocka_unit_test(asks_a_mirror_for_its_own_repository),
        cmocka_unit_test(falls_back_to_the_registry),
        cmocka_unit_test(returns_the_most_informative_error),
        cmocka_unit_test(respects_capabilities),
        cmocka_unit_test(the_default_port_makes_no_mirror),
        cmocka_unit_test(sends_headers_of_a_mirror_only_to_it),
        cmocka_unit_test(falls_back_to_http_without_tls),
        cmocka_unit_test(resumes_a_broken_download),
        cmocka_unit_test(gives_up_a_download_without_progress),
        cmocka_unit_test(records_the_limits_of_the_registry),
        cmocka_unit_test(reads_retry_after_as_seconds_or_date),
        cmocka_unit_test(clones_share_tokens_and_fallback),
    };

    http_library_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
