/* SPDX-License-Identifier: Apache-2.0 */
/* What a reference stands for, by the answers to HEAD and GET. The rows are what `ctr images pull`
 * of containerd 1.6, 1.7 and 2 does; the three do the same. */
#include "registry/registry_read.h"

#include "support/registry_fixture.h"

#include <stdio.h>
#include <string.h>

#define TYPE    "Content-Type: " MEDIA_TYPE_OCI_MANIFEST "\r\n"
#define DIGEST  "Docker-Content-Digest: " BLOB_DIGEST "\r\n"
#define ANOTHER "Docker-Content-Digest: " OTHER_DIGEST "\r\n"
#define NO_GET                              \
    {                                       \
        "GET /", .status = "500 Unexpected" \
    }
#define BODY(type)                                                   \
    {                                                                \
        "GET /", .status = "200 OK", .headers = (type), .body = BLOB \
    }

struct row {
    const char *object;
    struct fake_rule head, get; /* `get` answers by tag and by digest */
    enum error_code want;
    const char *type, *digest;
    int64_t size;
    unsigned requests;
};

static void resolve(const struct row *row)
{
    const struct fake_rule rules[] = {row->head, row->get, {0}};
    struct descriptor found;
    struct trial t;
    bool ok;

    trial_begin(&t, rules, (struct identity){0});
    t.err.code = ERROR_NONE;
    ok = registry_resolve(t.registry, row->object, &found, &t.arena, &t.cancel, &t.err);
    if (ok != (row->want == ERROR_NONE) || t.err.code != row->want)
        fail_msg("%s, %s %s: %s %s", row->object, row->head.status,
                 row->head.headers ? row->head.headers : "", error_code_name(t.err.code),
                 t.err.message);
    assert_int_equal(fake_requests(&t.fake), row->requests);
    assert_true(fake_saw(&t.fake, MEDIA_TYPE_OCI_MANIFEST ", " MEDIA_TYPE_OCI_INDEX ", */*"));
    if (ok) {
        assert_string_equal(found.media_type, row->type);
        assert_string_equal(found.digest, row->digest);
        assert_int_equal(found.size, row->size);
    }
    trial_end(&t);
}

static void believes_the_head(void **state)
{
    static const struct row rows[] = {
        {"v1",
         {"HEAD /", .status = "200 OK", .headers = TYPE DIGEST, .body = "four"},
         NO_GET,
         ERROR_NONE,
         MEDIA_TYPE_OCI_MANIFEST,
         BLOB_DIGEST,
         4,
         1},
        {"v1",
         {"HEAD /", .status = "203 OK", .headers = TYPE ANOTHER, .body = "four"},
         NO_GET,
         ERROR_NONE,
         MEDIA_TYPE_OCI_MANIFEST,
         OTHER_DIGEST,
         4,
         1},
        {"v1",
         {"HEAD /", .status = "206 OK", .headers = TYPE DIGEST, .body = "four"},
         NO_GET,
         ERROR_NONE,
         MEDIA_TYPE_OCI_MANIFEST,
         BLOB_DIGEST,
         4,
         1},
        {"v1",
         {"HEAD /", .status = "200 OK", .headers = DIGEST, .body = "four"},
         NO_GET,
         ERROR_NONE,
         "",
         BLOB_DIGEST,
         4,
         1},
        {"v1",
         {"HEAD /", .status = "200 OK", .headers = "Content-Type: a/b;c=d\r\n" DIGEST,
          .body = "four"},
         NO_GET,
         ERROR_NONE,
         "a/b",
         BLOB_DIGEST,
         4,
         1},
        {"v1",
         {"HEAD /", .status = "200 OK", .headers = "Content-Type: a/B ; c=d\r\n" DIGEST,
          .body = "four"},
         NO_GET,
         ERROR_NONE,
         "a/B ",
         BLOB_DIGEST,
         4,
         1},
        {BLOB_DIGEST,
         {"HEAD /", .status = "200 OK", .headers = TYPE, .body = "four"},
         NO_GET,
         ERROR_NONE,
         MEDIA_TYPE_OCI_MANIFEST,
         BLOB_DIGEST,
         4,
         1},
        {BLOB_DIGEST,
         {"HEAD /", .status = "200 OK", .headers = TYPE ANOTHER, .body = "four"},
         NO_GET,
         ERROR_NONE,
         MEDIA_TYPE_OCI_MANIFEST,
         BLOB_DIGEST,
         4,
         1},
        {BLOB_DIGEST,
         {"HEAD /", .status = "200 OK", .headers = TYPE "Docker-Content-Digest: x\r\n",
          .body = "four"},
         NO_GET,
         ERROR_NONE,
         MEDIA_TYPE_OCI_MANIFEST,
         BLOB_DIGEST,
         4,
         1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        resolve(&rows[i]);
}

static void sends_a_get_where_head_says_too_little(void **state)
{
    static const struct row rows[] = {
        {"v1",
         {"HEAD /", .status = "405 No"},
         BODY(TYPE),
         ERROR_NONE,
         MEDIA_TYPE_OCI_MANIFEST,
         BLOB_DIGEST,
         5,
         2},
        {BLOB_DIGEST,
         {"HEAD /", .status = "405 No"},
         BODY(TYPE),
         ERROR_NONE,
         MEDIA_TYPE_OCI_MANIFEST,
         BLOB_DIGEST,
         5,
         2},
        {"v1",
         {"HEAD /", .status = "200 OK", .headers = TYPE, .body = "four"},
         BODY(TYPE),
         ERROR_NONE,
         MEDIA_TYPE_OCI_MANIFEST,
         BLOB_DIGEST,
         5,
         2},
        {"v1",
         {"HEAD /", .status = "200 OK", .headers = TYPE "Docker-Content-Digest: \r\n",
          .body = "four"},
         BODY(TYPE),
         ERROR_NONE,
         MEDIA_TYPE_OCI_MANIFEST,
         BLOB_DIGEST,
         5,
         2},
        {"v1",
         {"HEAD /", .status = "204 OK", .headers = TYPE DIGEST},
         BODY(TYPE),
         ERROR_NONE,
         MEDIA_TYPE_OCI_MANIFEST,
         BLOB_DIGEST,
         5,
         2},
        {BLOB_DIGEST,
         {"HEAD /", .status = "204 OK", .headers = TYPE},
         BODY(TYPE),
         ERROR_NONE,
         MEDIA_TYPE_OCI_MANIFEST,
         BLOB_DIGEST,
         5,
         2},
        /* Its Content-Type counts, not that of the HEAD, and not what the document says. */
        {"v1",
         {"HEAD /", .status = "200 OK", .headers = TYPE, .body = "four"},
         BODY("Content-Type: application/json\r\n"),
         ERROR_NONE,
         "application/json",
         BLOB_DIGEST,
         5,
         2},
        {"v1",
         {"HEAD /", .status = "200 OK", .body = "four"},
         BODY(TYPE),
         ERROR_NONE,
         MEDIA_TYPE_OCI_MANIFEST,
         BLOB_DIGEST,
         5,
         2},
        {"v1", {"HEAD /", .status = "405 No"}, BODY(ANOTHER), ERROR_DIGEST_MISMATCH, "", "", 0, 2},
        {OTHER_DIGEST,
         {"HEAD /", .status = "405 No"},
         BODY(TYPE),
         ERROR_DIGEST_MISMATCH,
         "",
         "",
         0,
         2},
        {"v1",
         {"HEAD /", .status = "405 No"},
         {"GET /", .status = "403 No"},
         ERROR_FORBIDDEN,
         "",
         "",
         0,
         2},
        {"v1",
         {"HEAD /", .status = "405 No"},
         {"GET /", .status = "404 No"},
         ERROR_NOT_FOUND,
         "",
         "",
         0,
         2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        resolve(&rows[i]);
}

static void fails_where_containerd_fails(void **state)
{
    static const struct {
        const char *status, *headers, *body;
        enum error_code want;
    } rows[] = {
        {"400 Bad", "", "", ERROR_PROTOCOL},
        {"401 Who", "", "", ERROR_UNAUTHORIZED},
        {"403 No", "", "", ERROR_FORBIDDEN},
        {"404 No", "", "", ERROR_NOT_FOUND},
        {"406 No", "", "", ERROR_PROTOCOL},
        {"410 Gone", "", "", ERROR_PROTOCOL},
        {"429 Slow", "", "", ERROR_RATE_LIMITED},
        {"500 Oops", "", "", ERROR_SERVER_ERROR},
        {"501 No", "", "", ERROR_SERVER_ERROR},
        {"502 Bad", "", "", ERROR_SERVER_ERROR},
        {"503 Busy", "", "", ERROR_SERVER_ERROR},
        {"304 Same", "", "", ERROR_PROTOCOL},
        {"302 Go", "", "", ERROR_PROTOCOL},
        {"200 OK", TYPE DIGEST, "", ERROR_PROTOCOL}, /* no manifest has 0 bytes */
        {"200 OK", TYPE "Docker-Content-Digest: garbage\r\n", "four", ERROR_PROTOCOL},
        {"200 OK", TYPE "Docker-Content-Digest: sha512:00\r\n", "four", ERROR_PROTOCOL},
        {"200 OK", TYPE "Docker-Content-Digest: SHA256:00\r\n", "four", ERROR_PROTOCOL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        resolve(&(struct row){
            "v1",
            {"HEAD /", .status = rows[i].status, .headers = rows[i].headers, .body = rows[i].body},
            BODY(TYPE),
            rows[i].want,
            .requests = 1});
}

static void limits_the_announced_size(void **state)
{
    resolve(&(struct row){"v1",
                          {"HEAD /", .status = "200 OK", .headers = TYPE DIGEST,
                           .length_off = MANIFEST_LIMIT_BYTES + 1},
                          NO_GET,
                          ERROR_LIMIT,
                          .requests = 1});
    (void)state;
}

static void rejects_odd_references(void **state)
{
    static const struct fake_rule none[] = {{0}};
    struct descriptor found;
    struct trial t;

    (void)state;
    trial_begin(&t, none, (struct identity){0});
    assert_false(registry_resolve(t.registry, "../x", &found, &t.arena, &t.cancel, &t.err));
    assert_int_equal(t.err.code, ERROR_INVALID);
    assert_int_equal(fake_requests(&t.fake), 0);
    trial_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(believes_the_head),
        cmocka_unit_test(sends_a_get_where_head_says_too_little),
        cmocka_unit_test(fails_where_containerd_fails),
        cmocka_unit_test(limits_the_announced_size),
        cmocka_unit_test(rejects_odd_references),
    };
    int failed;

    unsetenv("http_proxy");
    http_library_init();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    http_library_deinit();
    return failed;
}
