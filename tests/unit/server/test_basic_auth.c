/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials, cached verdicts, the queue, and equal time for unknown users. */
#include "server/basic_auth.h"

#include "base/clock.h"
#include "encoding/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SALT    "04$abcdefghijklmnopqrstuu"
#define SECRET  "$2y$" SALT "2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW" /* "secret" */
#define UMLAUTS "$2y$" SALT "zl.usRqGDcHqzP.aletxBr32NmqW7gu" /* "pässÿ" */
#define NOTHING "$2b$" SALT "byCG3zY1GIXMyxfivm.ClDiInHzxjiq" /* "" */
/* With unused bits set in the last character of the salt. */
#define ODD_SALT    "$2y$04$abcdefghijklmnopqrstuv2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
#define SLOW_SECRET "$2y$08$abcdefghijklmnopqrstuuKxCcvB7KZ7.BpDoK0bh6qM7Dl1/xiJa"

#define QUEUE_MAX     64
#define CACHE_ENTRIES 100

struct fixture {
    struct basic_auth *basic_auth;
    struct web_config *config;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t admitted, denied;
    bool blocked; /* done() waits */
};

static void fixture_init(struct fixture *f, const char *yaml)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT((size_t)1 << 16);
    struct error err;

    *f = (struct fixture){.basic_auth = basic_auth_new(&err)};
    assert_non_null(f->basic_auth);
    f->config = web_config_parse("f", yaml, strlen(yaml), &problems, &err);
    assert_non_null(f->config);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
}

static void fixture_deinit(struct fixture *f)
{
    if (f->basic_auth)
        basic_auth_free(f->basic_auth);
    web_config_unref(f->config);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
}

static void done(void *arg, bool admitted)
{
    struct fixture *f = arg;
    LOCK_SCOPE(&f->lock);

    *(admitted ? &f->admitted : &f->denied) += 1;
    pthread_cond_broadcast(&f->changed);
    while (f->blocked)
        pthread_cond_wait(&f->changed, &f->lock);
}

static void hold(struct fixture *f, bool blocked)
{
    LOCK_SCOPE(&f->lock);

    f->blocked = blocked;
    pthread_cond_broadcast(&f->changed);
}

static void wait_for(struct fixture *f, size_t n)
{
    LOCK_SCOPE(&f->lock);

    while (f->admitted + f->denied < n)
        pthread_cond_wait(&f->changed, &f->lock);
}

static enum basic_auth_verdict check_bytes(struct fixture *f, const char *bytes, size_t size)
{
    CLEANUP(buf_deinit) struct buf header = BUF_INIT((size_t)1 << 16);

    buf_append_str(&header, "Basic ");
    base64_append(&header, bytes, size, false);
    return basic_auth_check(f->basic_auth, f->config, header.data, done, f);
}

static enum basic_auth_verdict check(struct fixture *f, const char *pair)
{
    return check_bytes(f, pair, strlen(pair));
}

/* Whether the pair is admitted, at once or by done(). */
static bool admits(struct fixture *f, const char *pair)
{
    size_t before = f->admitted, n = f->admitted + f->denied;
    enum basic_auth_verdict verdict = check(f, pair);

    if (verdict != PASSWORD_PENDING)
        return verdict == PASSWORD_RIGHT;
    wait_for(f, n + 1);
    return f->admitted > before;
}

/* ---- Credentials ---- */

static void admits_only_matching_credentials(void **state)
{
    static const struct {
        const char *pair;
        bool admitted;
    } rows[] = {
        {"alice:secret", true},
        {"alice:secrets", false},
        {"alice:secre", false},
        {"alice:", false},
        {"Alice:secret", false},
        {":secret", false},
        {"bob:secret", false},
        {"nobody:secret", false},
        {"nobody:fakepassword", false},
        {"bob:p\xc3\xa4ss\xc3\xbf", true},
        {"carol:", true},
        {"carol: ", false},
        {"old:secret", true},
        {"older:secret", true},
        {"odd:secret", true},
        {"odd:secrets", false},
        {"alice:secret:", false},
        {"alice", false},
        {"", false},
    };
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    fixture_init(&f, "basic_auth_users:\n"
                     "  alice: " SECRET "\n  bob: " UMLAUTS "\n  carol: " NOTHING "\n"
                     "  old: $2a$" SALT "2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n"
                     "  older: $2b$" SALT "2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n"
                     "  odd: " ODD_SALT "\n");
    for (int again = 0; again < 2; again++) /* computed, then cached */
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
            if (admits(&f, rows[i].pair) != rows[i].admitted)
                fail_msg("%s", rows[i].pair);
}

static void admits_every_client_without_users(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    fixture_init(&f, "");
    assert_int_equal(basic_auth_check(f.basic_auth, f.config, NULL, done, &f), PASSWORD_RIGHT);
}

static void denies_invalid_headers_at_once(void **state)
{
    static const char *const rows[] = {NULL,
                                       "",
                                       "Basic",
                                       "Basic ",
                                       "Basic !",
                                       "Basic YWxpY2U=", /* "alice" */
                                       "Bearer YWxpY2U6c2VjcmV0",
                                       "YWxpY2U6c2VjcmV0",
                                       "Basic YWxpY2U6c2VjcmV0x",
                                       "Basic YWxpY2U6c2VjcmV0 "};
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    fixture_init(&f, "basic_auth_users: {alice: " SECRET "}\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(basic_auth_check(f.basic_auth, f.config, rows[i], done, &f),
                         PASSWORD_WRONG);
    assert_true(admits(&f, "alice:secret"));
    assert_int_equal(basic_auth_check(f.basic_auth, f.config, "bAsIc YWxpY2U6c2VjcmV0", done, &f),
                     PASSWORD_RIGHT);
}

static void denies_credentials_with_a_nul(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    fixture_init(&f, "basic_auth_users: {alice: " SECRET "}\n");
    assert_int_equal(check_bytes(&f, "alice:secret\0more", 17), PASSWORD_WRONG);
    assert_int_equal(check_bytes(&f, "alice\0:secret", 13), PASSWORD_WRONG);
}

static void limits_the_size_of_the_header(void **state)
{
    static char pair[4000] = "alice:secret";
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    fixture_init(&f, "basic_auth_users: {alice: " SECRET "}\n");
    memset(pair + 12, 'x', sizeof(pair) - 13);
    assert_int_equal(check(&f, pair), PASSWORD_WRONG);
    pair[2500] = '\0';
    assert_int_equal(check(&f, pair), PASSWORD_PENDING);
    wait_for(&f, 1);
}

/* ---- Cached verdicts ---- */

static void caches_verdicts(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    fixture_init(&f, "basic_auth_users: {alice: " SECRET "}\n");
    assert_true(admits(&f, "alice:secret"));
    assert_false(admits(&f, "alice:wrong"));
    assert_false(admits(&f, "bob:secret"));
    assert_int_equal(check(&f, "alice:secret"), PASSWORD_RIGHT);
    assert_int_equal(check(&f, "alice:wrong"), PASSWORD_WRONG);
    assert_int_equal(check(&f, "bob:secret"), PASSWORD_WRONG);
    assert_int_equal(f.admitted + f.denied, 3);
}

static void keeps_valid_users_cached_despite_guesses(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    fixture_init(&f, "basic_auth_users: {alice: " SECRET "}\n");
    assert_true(admits(&f, "alice:secret"));
    for (int i = 0; i < CACHE_ENTRIES + 20; i++) {
        char pair[32];

        snprintf(pair, sizeof(pair), "alice:guess%d", i);
        assert_false(admits(&f, pair));
    }
    assert_int_equal(check(&f, "alice:secret"), PASSWORD_RIGHT);
    assert_int_equal(check(&f, "alice:guess119"), PASSWORD_WRONG);
    assert_int_equal(check(&f, "alice:guess0"), PASSWORD_PENDING);
    wait_for(&f, CACHE_ENTRIES + 22);
}

static void verifies_again_after_a_new_configuration(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;
    CLEANUP(fixture_deinit) struct fixture other;

    (void)state;
    fixture_init(&f, "basic_auth_users: {alice: " SECRET ", bob: " SECRET "}\n");
    fixture_init(&other, "basic_auth_users: {alice: " UMLAUTS "}\n");
    assert_true(admits(&f, "alice:secret"));
    assert_true(admits(&f, "bob:secret"));
    web_config_unref(f.config);
    f.config = web_config_ref(other.config);
    assert_false(admits(&f, "alice:secret"));
    assert_false(admits(&f, "bob:secret"));
    assert_true(admits(&f, "alice:p\xc3\xa4ss\xc3\xbf"));
}

/* ---- The queue ---- */

static void denies_requests_beyond_the_queue(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    fixture_init(&f, "basic_auth_users: {alice: " SECRET "}\n");
    hold(&f, true);
    assert_int_equal(check(&f, "alice:first"), PASSWORD_PENDING);
    wait_for(&f, 1); /* the thread is in done() */
    for (int i = 0; i < QUEUE_MAX; i++)
        assert_int_equal(check(&f, "alice:secret"), PASSWORD_PENDING);
    assert_int_equal(check(&f, "alice:secret"), PASSWORD_WRONG);
    hold(&f, false);
    wait_for(&f, 1 + QUEUE_MAX);
    assert_int_equal(f.admitted, QUEUE_MAX);
    assert_int_equal(check(&f, "alice:secret"), PASSWORD_RIGHT);
}

static void denies_queued_requests_at_the_end(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    fixture_init(&f, "basic_auth_users: {alice: " SECRET "}\n");
    for (int i = 0; i < 20; i++) {
        char pair[32];

        snprintf(pair, sizeof(pair), "alice:guess%d", i);
        assert_int_equal(check(&f, pair), PASSWORD_PENDING);
    }
    web_config_unref(web_config_ref(f.config)); /* the requests have their own references */
    basic_auth_free(TAKE(f.basic_auth));
    assert_int_equal(f.admitted, 0);
    assert_int_equal(f.denied, 20);
}

static void admits_only_cached_users_after_the_end(void **state)
{
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    fixture_init(&f, "basic_auth_users: {alice: " SECRET ", bob: " SECRET "}\n");
    assert_true(admits(&f, "alice:secret"));
    hold(&f, true);
    assert_int_equal(check(&f, "alice:first"), PASSWORD_PENDING);
    wait_for(&f, 2); /* the thread is in done() */
    assert_int_equal(check(&f, "bob:secret"), PASSWORD_PENDING);
    basic_auth_stop(f.basic_auth);
    assert_int_equal(check(&f, "bob:secret"), PASSWORD_WRONG);
    assert_int_equal(check(&f, "alice:secret"), PASSWORD_RIGHT);
    hold(&f, false);
    wait_for(&f, 3);
    assert_int_equal(f.admitted, 1);
}

/* ---- Time ---- */

#define SAMPLES 9

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double cpu_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Median CPU time of a check without a cached verdict. */
static double cost_of(const char *yaml, const char *pair)
{
    double samples[SAMPLES];

    for (size_t i = 0; i < SAMPLES; i++) {
        CLEANUP(fixture_deinit) struct fixture f;
        double began;

        fixture_init(&f, yaml);
        began = cpu_seconds();
        assert_int_equal(check(&f, pair), PASSWORD_PENDING);
        wait_for(&f, 1);
        samples[i] = cpu_seconds() - began;
    }
    qsort(samples, SAMPLES, sizeof(samples[0]), by_size);
    return samples[SAMPLES / 2];
}

static void takes_the_same_time_for_unknown_users(void **state)
{
    static const char yaml[] = "basic_auth_users: {alice: " SLOW_SECRET "}\n";
    static const char cheap[] = "basic_auth_users: {alice: " SECRET "}\n";
    double right = cost_of(yaml, "alice:secret");
    double rows[] = {cost_of(yaml, "alice:wrong"), cost_of(yaml, "nobody:secret"),
                     cost_of(yaml, "nobody:fakepassword")};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i] < right / 1.5 || rows[i] > right * 1.5)
            fail_msg("%zu: %g s, the right one %g s", i, rows[i], right);
    /* The measurement shows a difference: cost 4 takes a sixteenth of cost 8. */
    assert_true(cost_of(cheap, "alice:secret") < right / 3);
    assert_true(cost_of(cheap, "nobody:secret") < right / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(admits_only_matching_credentials),
        cmocka_unit_test(admits_every_client_without_users),
        cmocka_unit_test(denies_invalid_headers_at_once),
        cmocka_unit_test(denies_credentials_with_a_nul),
        cmocka_unit_test(limits_the_size_of_the_header),
        cmocka_unit_test(caches_verdicts),
        cmocka_unit_test(keeps_valid_users_cached_despite_guesses),
        cmocka_unit_test(verifies_again_after_a_new_configuration),
        cmocka_unit_test(denies_requests_beyond_the_queue),
        cmocka_unit_test(denies_queued_requests_at_the_end),
        cmocka_unit_test(admits_only_cached_users_after_the_end),
        cmocka_unit_test(takes_the_same_time_for_unknown_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
