/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges behind redirects, and what token servers answer. The rows are what `ctr images pull`
 * of containerd 1.6, 1.7 and 2 does, but for the password: no other host gets it. */
#include "registry/registry_blob.h"

#include "support/registry_fixture.h"

#include <stdio.h>
#include <string.h>

#define GUEST_BEARER "WWW-Authenticate: Bearer realm=\"http://@HOST@/token\",service=\"s\"\r\n"
#define FORM         "username=user&password=pass"

static const struct identity known = {.username = "user", .password = "pass"};

static bool get_blob(struct trial *t)
{
    buf_clear(&t->taken);
    return registry_blob(t->registry, &blob, http_sink_to_buf, &t->taken, &t->cancel, &t->err);
}

/* A registry that redirects to another host. */
struct detour {
    struct fake_http other;
    struct fake_rule here[4];
    char location[128];
    struct trial t;
};

/* `token`: the registry itself wants this token before it redirects; may be NULL. */
static void detour_begin(struct detour *d, const struct fake_rule *there, const char *token,
                         struct identity identity)
{
    fake_start(&d->other, there);
    snprintf(d->location, sizeof(d->location), "Location: http://%s/blob\r\n", d->other.host);
    d->here[0] =
        (struct fake_rule){"GET /v2/", .with = token, .status = "307 Go", .headers = d->location};
    d->here[1] = (struct fake_rule){"GET /v2/", .status = "401 Who", .headers = BEARER};
    d->here[2] = (struct fake_rule){"", .status = "200 OK", .body = "{\"access_token\":\"own\"}"};
    d->here[3] = (struct fake_rule){0};
    trial_begin(&d->t, d->here, identity);
}

static void detour_end(struct detour *d)
{
    trial_end(&d->t);
    fake_stop(&d->other);
}

static void answers_a_challenge_behind_a_redirect(void **state)
{
    static const struct fake_rule there[] = {
        {"GET /blob ", .with = "Authorization: Bearer guest\r\n", .status = "200 OK", .body = BLOB},
        {"GET /blob ", .status = "401 Who", .headers = GUEST_BEARER},
        {"GET /token?service=s&scope=repository%3Aa%2Fb%3Apull ", .status = "200 OK",
         .body = "{\"token\":\"guest\"}"},
        {0}};
    static const char *const own_token[] = {NULL, "Bearer own\r\n"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct detour d;

        detour_begin(&d, there, own_token[i], (struct identity){0});
        assert_true(get_blob(&d.t));
        assert_true(get_blob(&d.t));
        assert_int_equal(fake_requests(&d.other), 4); /* one token for both */
        assert_true(registry_traffic(d.t.registry)->token >= 0);
        assert_false(fake_saw(&d.other, "Bearer own"));
        assert_false(fake_saw(&d.t.fake, "Bearer guest"));
        detour_end(&d);
    }
}

static void gives_no_credentials_to_another_host(void **state)
{
    static const struct {
        const char *challenge;
        struct fake_rule token;
        bool want;
        unsigned requests;
    } rows[] = {
        {GUEST_BEARER,
         {"GET /token", .status = "200 OK", .body = "{\"token\":\"guest\"}"},
         true,
         3},
        {GUEST_BEARER, {"", .status = "401 Who"}, false, 2},
        {GUEST_BEARER, {"", .status = "404 No"}, false, 2},
        {"WWW-Authenticate: Basic realm=\"r\"\r\n", {""}, false, 1},
        {"", {""}, false, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_rule there[] = {
            {"GET /blob ", .with = "Bearer guest\r\n", .status = "200 OK", .body = BLOB},
            {"GET /blob ", .status = "401 Who", .headers = rows[i].challenge},
            rows[i].token,
            {0}};
        struct detour d;

        detour_begin(&d, there, "Bearer own\r\n", known);
        assert_int_equal(get_blob(&d.t), rows[i].want);
        if (!rows[i].want) {
            assert_int_equal(d.t.err.code, ERROR_UNAUTHORIZED);
            assert_non_null(strstr(d.t.err.message, "redirect to http://127.0.0.1:"));
        }
        assert_true(fake_saw(&d.t.fake, FORM));
        assert_int_equal(fake_requests(&d.other), rows[i].requests);
        assert_false(fake_saw(&d.other, "POST") || fake_saw(&d.other, "Basic") ||
                     fake_saw(&d.other, "pass") || fake_saw(&d.other, "own"));
        detour_end(&d);
    }
}

static void answers_another_host_once(void **state)
{
    static const struct fake_rule there[] = {
        {"GET /blob ", .status = "401 Who", .headers = GUEST_BEARER},
        {"GET /token", .status = "200 OK", .body = "{\"token\":\"guest\"}"},
        {0}};
    struct detour d;

    (void)state;
    detour_begin(&d, there, NULL, (struct identity){0});
    assert_false(get_blob(&d.t));
    assert_int_equal(d.t.err.code, ERROR_UNAUTHORIZED);
    assert_int_equal(fake_requests(&d.other), 3);
    detour_end(&d);
}

struct answer {
    const char *status, *headers, *body; /* of the POST */
    const char *then;                    /* the request that gets the token; NULL: the pull fails */
    enum error_code want;
};

/* The token server answers a POST so. Without Basic it answers a GET of another path with 401. */
static void post_token(const struct answer *row, struct identity identity)
{
    const struct fake_rule rules[] = {
        {"GET /v2/", .with = "Bearer t\r\n", .status = "200 OK", .body = BLOB},
        {"GET /v2/", .status = "401 Who", .headers = BEARER},
        {"POST /token?x=1 ", .status = row->status, .headers = row->headers, .body = row->body},
        {row->then ? row->then : "NONE", .status = "200 OK", .body = "{\"access_token\":\"t\"}"},
        {"GET /", .status = "401 Who"},
        {0}};
    struct trial t;

    trial_begin(&t, rules, identity);
    t.err.code = ERROR_NONE;
    if (get_blob(&t) != (row->then != NULL) || (!row->then && t.err.code != row->want))
        fail_msg("%s %s: %s %s", row->status, row->headers ? row->headers : "",
                 error_code_name(t.err.code), t.err.message);
    trial_end(&t);
}

#define BY_GET   "GET /token?x=1&service=the%20service&scope="
#define MOVED    "Location: /moved\r\n"
#define ANYWHERE "Location: http://localhost:1/moved\r\n"

static void posts_to_token_servers_as_containerd_does(void **state)
{
    static const struct answer rows[] = {
        {"400 Bad", .then = BY_GET},
        {"401 Who", .then = BY_GET},
        {"404 No", .then = BY_GET},
        {"405 No", .then = BY_GET},
        {"403 No", .want = ERROR_FORBIDDEN},
        {"406 No", .want = ERROR_PROTOCOL},
        {"415 No", .want = ERROR_PROTOCOL},
        {"429 Slow", .want = ERROR_RATE_LIMITED},
        {"500 Oops", .want = ERROR_SERVER_ERROR},
        {"503 Busy", .want = ERROR_SERVER_ERROR},
        {"200 OK", .body = "{}", .want = ERROR_PROTOCOL},
        {"200 OK", .body = "<html>", .want = ERROR_PROTOCOL},
        /* The GET of the new place gets the token, or a 401 that leads to a GET with the password.
         */
        {"301 Go", MOVED, .then = "GET /moved "},
        {"302 Go", MOVED, .then = "GET /moved "},
        {"303 Go", MOVED, .then = "GET /moved "},
        {"302 Go", MOVED, .then = BY_GET},
        {"303 Go", MOVED, .then = BY_GET},
        {"307 Go", MOVED, .then = "POST /moved "},
        {"308 Go", MOVED, .then = "POST /moved "},
        /* The form would take the password to another host. */
        {"307 Go", ANYWHERE, .then = BY_GET},
        {"308 Go", ANYWHERE, .then = BY_GET},
        {"302 Go", .want = ERROR_PROTOCOL},
        {"307 Go", .want = ERROR_PROTOCOL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        post_token(&rows[i], known);
}

static void exchanges_an_identity_token_as_containerd_does(void **state)
{
    static const struct answer rows[] = {
        {"200 OK", .body = "{\"access_token\":\"t\"}", .then = "NONE"},
        {"401 Who", .then = BY_GET},
        {"404 No", .then = BY_GET},
        {"405 No", .want = ERROR_UNSUPPORTED},
        {"403 No", .want = ERROR_FORBIDDEN},
        {"307 Go", MOVED, .then = "POST /moved "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        post_token(&rows[i], (struct identity){.password = "identity"});
}

static void leaves_out_empty_parameters(void **state)
{
    static const struct {
        const char *challenge;
        struct identity identity;
        const char *request, *with;
    } rows[] = {
        {"realm=\"http://@HOST@/token\"", {0}, "GET /token?scope=repository%3Aa%2Fb%3Apull ", NULL},
        {"realm=\"http://@HOST@/token\",service=\"\",scope=\"\"",
         {0},
         "GET /token?scope=repository%3Aa%2Fb%3Apull ",
         NULL},
        {"realm=\"http://@HOST@/token?\",service=\"\"",
         {0},
         "GET /token?&scope=repository%3Aa%2Fb%3Apull ",
         NULL},
        {"realm=\"http://@HOST@/token\",service=s",
         {0},
         "GET /token?service=s&scope=repository%3Aa%2Fb%3Apull ",
         NULL},
        {"realm=\"http://@HOST@/token\"", known, "POST /token ",
         "grant_type=password&username=user&password=pass&scope=repository%3Aa%2Fb%3Apull"},
        {"realm=\"http://@HOST@/token\",service=\"\"",
         {.password = "identity"},
         "POST /token ",
         "grant_type=refresh_token&refresh_token=identity&scope=repository%3Aa%2Fb%3Apull"},
        {"realm=\"http://@HOST@/token\"",
         {.username = "user"},
         "GET /token?scope=repository%3Aa%2Fb%3Apull ",
         NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char challenge[256];
        const struct fake_rule rules[] = {
            {"GET /v2/", .with = "Bearer t\r\n", .status = "200 OK", .body = BLOB},
            {"GET /v2/", .status = "401 Who", .headers = challenge},
            {rows[i].request, .with = rows[i].with, .status = "200 OK",
             .body = "{\"access_token\":\"t\"}"},
            {0}};
        struct trial t;

        snprintf(challenge, sizeof(challenge), "WWW-Authenticate: Bearer %s\r\n",
                 rows[i].challenge);
        trial_begin(&t, rules, rows[i].identity);
        if (!get_blob(&t))
            fail_msg("row %zu: %s\n%s", i, t.err.message, t.fake.log.data);
        assert_false(fake_saw(&t.fake, "service=&") || fake_saw(&t.fake, "=\r\n"));
        trial_end(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_a_challenge_behind_a_redirect),
        cmocka_unit_test(gives_no_credentials_to_another_host),
        cmocka_unit_test(answers_another_host_once),
        cmocka_unit_test(posts_to_token_servers_as_containerd_does),
        cmocka_unit_test(exchanges_an_identity_token_as_containerd_does),
        cmocka_unit_test(leaves_out_empty_parameters),
    };
    int failed;

    unsetenv("http_proxy");
    http_library_init();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    http_library_deinit();
    return failed;
}
