/* SPDX-License-Identifier: Apache-2.0 */
/* The distribution protocol against scripted answers: right ones, wrong ones and none. */
#include "client/registry.h"

#include "base/clock.h"
#include "client/digest.h"
#include "fake_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define BLOB          "hello"
#define BLOB_DIGEST   "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define OTHER_DIGEST  "sha256:0000000000000000000000000000000000000000000000000000000000000000"
#define JSON_MANIFEST "{\"mediaType\":\"" MEDIA_TYPE_DOCKER_LIST "\"}"

static const struct descriptor blob = {.digest = BLOB_DIGEST, .size = 5};

struct identity {
    const char *username, *password;
    bool push;
};

struct trial {
    struct fake_http fake;
    struct host host;
    struct host_list hosts;
    struct registry *registry;
    struct cancel cancel;
    struct arena arena;
    struct buf taken;
    struct error err;
};

static void begin(struct trial *t, const struct fake_rule *rules, struct identity identity)
{
    struct reference reference = {.repository = "a/b"};
    struct credentials credentials = {.username = {(char *)(uintptr_t)identity.username},
                                      .password = {(char *)(uintptr_t)identity.password}};
    struct registry_options options = {
        .hosts = &t->hosts, .credentials = &credentials, .push = identity.push};

    *t = (struct trial){.arena = ARENA_INIT(4096), .taken = BUF_INIT(MANIFEST_LIMIT_BYTES * 2)};
    fake_start(&t->fake, rules);
    reference.host = reference.endpoint = t->fake.host;
    t->host = (struct host){.scheme = "http",
                            .authority = t->fake.host,
                            .path = "/v2",
                            .name_space = "",
                            .ca_file = "",
                            .client_cert = "",
                            .client_key = "",
                            .capabilities = HOST_PULL | HOST_RESOLVE | HOST_PUSH};
    t->hosts = (struct host_list){&t->host, 1, ""};
    t->registry = registry_new(&reference, &options, &t->err);
    assert_non_null(t->registry);
    cancel_init(&t->cancel, clock_now_ns() + 10 * NS_PER_SECOND);
}

static void end(struct trial *t)
{
    registry_free(t->registry);
    cancel_deinit(&t->cancel);
    arena_deinit(&t->arena);
    buf_deinit(&t->taken);
    fake_stop(&t->fake);
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
    begin(&t, rules, (struct identity){0});
    assert_true(get_blob(&t));
    assert_string_equal(t.taken.data, BLOB);
    assert_int_equal(registry_traffic(t.registry)->fetched_bytes, 5);
    assert_true(registry_traffic(t.registry)->connect >= 0);
    assert_true(registry_traffic(t.registry)->first_byte >= 0);
    assert_true(registry_traffic(t.registry)->token < 0);
    assert_true(registry_traffic(t.registry)->tls < 0);
    end(&t);
}

static void notices_wrong_blobs(void **state)
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

        begin(&t, rules, (struct identity){0});
        assert_false(get_blob(&t));
        assert_int_equal(t.err.code, rows[i].want);
        end(&t);
    }
}

static void asks_for_no_blob_that_it_could_not_verify(void **state)
{
    static const struct fake_rule none[] = {{0}};
    const struct descriptor odd[] = {
        {.digest = "sha512:00", .size = 1},
        {.digest = "../../x", .size = 1},
        {.digest = BLOB_DIGEST, .size = -1},
    };
    struct trial t;

    (void)state;
    begin(&t, none, (struct identity){0});
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        assert_false(registry_blob(t.registry, &odd[i], take, &t.taken, &t.cancel, &t.err));
    assert_int_equal(t.fake.n_requests, 0);
    end(&t);
}

static void names_what_the_registry_refuses(void **state)
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
        {"400 Bad", "{\"errors\":[{\"code\":\"DIGEST_INVALID\"}]}", ERROR_DIGEST_MISMATCH},
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

        begin(&t, rules, (struct identity){0});
        assert_false(get_blob(&t));
        assert_int_equal(t.err.code, rows[i].want);
        assert_int_equal(t.err.status, atoi(rows[i].status));
        end(&t);
    }
}

static void repeats_the_words_of_the_registry(void **state)
{
    static const struct fake_rule rules[] = {
        {"GET /", .status = "404 Not Found",
         .body = "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"no\\nsuch\"}]}"},
        {0},
    };
    struct descriptor found;
    struct trial t;

    (void)state;
    begin(&t, rules, (struct identity){0});
    assert_false(get_manifest(&t, "v1", &found));
    assert_int_equal(t.err.code, ERROR_NOT_FOUND);
    assert_string_equal(t.err.message, "GET /manifests/v1: HTTP 404 MANIFEST_UNKNOWN: no such");
    end(&t);
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
        {"Content-Type: a/b\r\nDocker-Content-Digest: sha512:00\r\n", "{}", "a/b"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {{"GET /v2/a/b/manifests/v1 ", .status = "200 OK",
                                           .headers = rows[i].headers, .body = rows[i].body},
                                          {0}};
        char digest[DIGEST_TEXT_BYTES];
        struct descriptor found;
        struct trial t;

        begin(&t, rules, (struct identity){0});
        assert_true(get_manifest(&t, "v1", &found));
        assert_string_equal(t.taken.data, rows[i].body);
        assert_string_equal(found.media_type, rows[i].want);
        assert_int_equal(found.size, strlen(rows[i].body));
        assert_true(digest_of(rows[i].body, strlen(rows[i].body), digest, &t.err));
        assert_string_equal(found.digest, digest);
        assert_true(fake_saw(&t.fake, MEDIA_TYPE_OCI_MANIFEST ", " MEDIA_TYPE_OCI_INDEX ", */*"));
        end(&t);
    }
}

static void notices_wrong_manifests(void **state)
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
    begin(&t, rules, (struct identity){0});
    assert_false(get_manifest(&t, OTHER_DIGEST, &found));
    assert_int_equal(t.err.code, ERROR_DIGEST_MISMATCH);
    assert_false(get_manifest(&t, "lies", &found));
    assert_int_equal(t.err.code, ERROR_DIGEST_MISMATCH);
    assert_false(get_manifest(&t, "../x", &found));
    assert_int_equal(t.err.code, ERROR_INVALID);
    end(&t);
}

static void has_a_ceiling_for_manifests(void **state)
{
    static char much[MANIFEST_LIMIT_BYTES + 1];
    const struct fake_rule rules[] = {
        {"GET /", .status = "200 OK", .body = much, .body_bytes = sizeof(much)}, {0}};
    struct descriptor found;
    struct trial t;

    (void)state;
    begin(&t, rules, (struct identity){0});
    assert_false(get_manifest(&t, "v1", &found));
    assert_int_equal(t.err.code, ERROR_LIMIT);
    end(&t);
}

static void shows_user_and_password_to_basic(void **state)
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
    begin(&t, rules, right);
    assert_true(get_blob(&t));
    assert_true(get_blob(&t));
    assert_int_equal(t.fake.n_requests, 3);
    end(&t);
    begin(&t, rules, wrong);
    assert_false(get_blob(&t));
    assert_int_equal(t.err.code, ERROR_UNAUTHORIZED);
    assert_int_equal(t.err.status, 401);
    assert_null(strstr(t.err.message, "wrong-secret"));
    end(&t);
    begin(&t, rules, (struct identity){0});
    assert_false(get_blob(&t));
    assert_int_equal(t.err.code, ERROR_UNAUTHORIZED);
    assert_int_equal(t.fake.n_requests, 1);
    end(&t);
}

#define BEARER                                                                            \
    "WWW-Authenticate: Bearer realm=\"http://@HOST@/token?x=1\",service=\"the service\"," \
    "scope=\"repository:a/b:pull other:c:pull\"\r\n"

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
    begin(&t, rules, (struct identity){0});
    assert_true(get_blob(&t));
    assert_true(get_blob(&t));
    assert_int_equal(t.fake.n_requests, 4);
    assert_true(registry_traffic(t.registry)->token >= 0);
    assert_false(fake_saw(&t.fake, "Basic"));
    end(&t);
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
    begin(&t, by_post, options);
    assert_true(get_blob(&t));
    assert_true(fake_saw(&t.fake, "grant_type=password&username=u%3A&password=p%26%3D&service="
                                  "the%20service&scope=repository%3Aa%2Fb%3Apull%2Cpush+"
                                  "repository%3Aa%2Fb%3Apull+other%3Ac%3Apull"));
    end(&t);
    begin(&t, by_get, options);
    assert_true(get_blob(&t));
    end(&t);
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
    begin(&t, rules, (struct identity){0});
    assert_true(get_blob(&t));
    assert_true(get_blob(&t));
    assert_false(get_blob(&t));
    assert_int_equal(t.err.code, ERROR_UNAUTHORIZED);
    assert_null(strstr(t.err.message, "new"));
    end(&t);
}

static void refuses_odd_token_servers(void **state)
{
    static const struct {
        const char *challenge;
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
        {"WWW-Authenticate: Negotiate\r\n", {0}, ERROR_UNAUTHORIZED},
        {"", {0}, ERROR_UNAUTHORIZED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule rules[] = {
            {"GET /v2/", .status = "401 Who", .headers = rows[i].challenge}, rows[i].token, {0}};
        struct trial t;

        begin(&t, rules, (struct identity){0});
        assert_false(get_blob(&t));
        assert_int_equal(t.err.code, rows[i].want);
        end(&t);
    }
}

static void answers_no_question_of_another_host(void **state)
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
    begin(&t, here, options);
    assert_false(get_blob(&t));
    assert_int_equal(t.err.code, ERROR_UNAUTHORIZED);
    assert_int_equal(other.n_requests, 1);
    assert_false(fake_saw(&other, "Authorization"));
    end(&t);
    fake_stop(&other);
}

static void tells_whether_a_blob_exists(void **state)
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
    begin(&t, rules, (struct identity){0});
    assert_true(registry_blob_exists(t.registry, &blob, &exists, &t.cancel, &t.err));
    assert_true(exists);
    assert_true(registry_blob_exists(t.registry, &blob, &exists, &t.cancel, &t.err));
    assert_false(exists);
    assert_false(registry_blob_exists(t.registry, &blob, &exists, &t.cancel, &t.err));
    assert_int_equal(t.err.code, ERROR_SERVER_ERROR);
    end(&t);
}

struct text_source {
    const char *text, *at;
    unsigned rewinds;
};

static bool rewind_text(void *arg, struct cancel *cancel, struct error *err)
{
    struct text_source *source = arg;

    (void)cancel;
    (void)err;
    source->at = source->text;
    source->rewinds++;
    return true;
}

static bool read_text(void *arg, void *data, size_t size, size_t *n, struct error *err)
{
    struct text_source *source = arg;

    (void)err;
    *n = strlen(source->at) < size ? strlen(source->at) : size;
    memcpy(data, source->at, *n);
    source->at += *n;
    return true;
}

static bool push_blob(struct trial *t, struct text_source *text)
{
    const struct registry_source source = {rewind_text, read_text, text};

    return registry_push_blob(t->registry, &blob, &source, &t->cancel, &t->err);
}

static void pushes_a_blob(void **state)
{
    static const struct {
        const char *location, *put;
    } rows[] = {
        {"Location: /up/1?state=x\r\n", "PUT /up/1?state=x&digest=sha256%3A2cf24"},
        {"Location: http://@HOST@/up/2\r\n", "PUT /up/2?digest=sha256%3A2cf24"},
        {"Location: //@HOST@/up/3#y\r\n", "PUT /up/3?digest=sha256%3A2cf24"},
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

        begin(&t, rules, (struct identity){0});
        if (!push_blob(&t, &text))
            fail_msg("%s: %s", rows[i].location, t.err.message);
        assert_int_equal(registry_traffic(t.registry)->uploaded_bytes, 5);
        assert_true(fake_saw(&t.fake, "\r\n\r\n" BLOB "\n--"));
        assert_int_equal(t.fake.n_requests, 2);
        end(&t);
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
    begin(&t, rules, (struct identity){.push = true});
    assert_true(push_blob(&t, &text));
    assert_int_equal(text.rewinds, 2);
    assert_true(fake_saw(&t.fake, "scope=repository%3Aa%2Fb%3Apull%2Cpush"));
    end(&t);
}

static void takes_back_an_upload_that_failed(void **state)
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

        begin(&t, rules, (struct identity){0});
        assert_false(push_blob(&t, &text));
        assert_int_equal(t.err.code, rows[i].want);
        assert_true(fake_saw(&t.fake, "DELETE /up?s=1 "));
        end(&t);
    }
}

static void refuses_odd_uploads(void **state)
{
    static const char *const headers[] = {"", "Location: up\r\n", "Location: ftp://x/\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        const struct fake_rule rules[] = {{"POST /", .status = "202 Go", .headers = headers[i]},
                                          {0}};
        struct text_source text = {.text = BLOB};
        struct trial t;

        begin(&t, rules, (struct identity){0});
        assert_false(push_blob(&t, &text));
        assert_int_equal(t.err.code, ERROR_PROTOCOL);
        end(&t);
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
    begin(&t, here, (struct identity){.username = "u", .password = "p"});
    assert_true(push_blob(&t, &text));
    assert_true(fake_saw(&other, "PUT /up?digest="));
    assert_false(fake_saw(&other, "Authorization"));
    end(&t);
    fake_stop(&other);
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
    begin(&t, rules, (struct identity){0});
    buf_append_str(&t.taken, BLOB);
    assert_true(registry_push_manifest(t.registry, "v1", &manifest, &t.taken, &t.cancel, &t.err));
    assert_true(
        registry_push_manifest(t.registry, "silent", &manifest, &t.taken, &t.cancel, &t.err));
    assert_false(
        registry_push_manifest(t.registry, "lies", &manifest, &t.taken, &t.cancel, &t.err));
    assert_int_equal(t.err.code, ERROR_DIGEST_MISMATCH);
    assert_int_equal(registry_traffic(t.registry)->uploaded_bytes, 15);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_a_blob),
        cmocka_unit_test(notices_wrong_blobs),
        cmocka_unit_test(asks_for_no_blob_that_it_could_not_verify),
        cmocka_unit_test(names_what_the_registry_refuses),
        cmocka_unit_test(repeats_the_words_of_the_registry),
        cmocka_unit_test(describes_manifests),
        cmocka_unit_test(notices_wrong_manifests),
        cmocka_unit_test(has_a_ceiling_for_manifests),
        cmocka_unit_test(shows_user_and_password_to_basic),
        cmocka_unit_test(fetches_an_anonymous_token_once),
        cmocka_unit_test(fetches_a_token_with_a_password),
        cmocka_unit_test(renews_a_token_once),
        cmocka_unit_test(refuses_odd_token_servers),
        cmocka_unit_test(answers_no_question_of_another_host),
        cmocka_unit_test(tells_whether_a_blob_exists),
        cmocka_unit_test(pushes_a_blob),
        cmocka_unit_test(sends_the_body_again_after_401),
        cmocka_unit_test(takes_back_an_upload_that_failed),
        cmocka_unit_test(refuses_odd_uploads),
        cmocka_unit_test(uploads_elsewhere_without_identity),
        cmocka_unit_test(pushes_a_manifest),
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
