/* SPDX-License-Identifier: Apache-2.0 */
/* What comes of a push and the pull of it: sums, and which differences are failures. The engines
 * exist only here; `overwrite` leaves the registry out of it. */
#include "engines/image/push_run.h"

#include "base/clock.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define DIGEST_A     "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B     "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct engine_result push_gives, pull_gives;
static enum error_code push_fails, pull_fails;
static unsigned n_pulls;
static char pulled_name[300];
static bool pulled_unpacks;

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static bool run_push(const struct engine_request *request, struct engine_result *result,
                     struct cancel *cancel, struct error *err)
{
    (void)cancel;
    assert_non_null(request->sent);
    *result = push_gives;
    return push_fails == ERROR_NONE || error_set(err, push_fails, "push");
}

static bool run_pull(const struct engine_request *request, struct engine_result *result,
                     struct cancel *cancel, struct error *err)
{
    (void)cancel;
    n_pulls++;
    strcpy(pulled_name, request->reference.name);
    pulled_unpacks = request->unpack;
    assert_null(request->reference.tag);
    assert_string_equal(request->reference.digest, push_gives.digest);
    *result = pull_gives;
    return pull_fails == ERROR_NONE || error_set(err, pull_fails, "pull");
}

static const struct engine push_engine = {"push", "p", .run = run_push};
static const struct engine pull_engine = {"pull", "q", ENGINE_OWN_NETWORK, .run = run_pull};
static const struct engine daemon_engine = {"pull", "d", .run = run_pull};
static const struct push_run there = {&push_engine, NULL, false};
static const struct push_run and_back = {&push_engine, &pull_engine, false};
static const struct push_run by_daemon = {&push_engine, &daemon_engine, false};

static int prepare(void **state)
{
    (void)state;
    push_fails = pull_fails = ERROR_NONE;
    n_pulls = 0;
    engine_result_init(&push_gives);
    push_gives.seconds = 2;
    push_gives.declared_bytes = 1000;
    push_gives.traffic.uploaded_bytes = 1000;
    push_gives.traffic.dns = 0.25;
    push_gives.traffic.certificate_expiry = 500;
    push_gives.phase_seconds[PHASE_UPLOAD] = 1.5;
    push_gives.phase_seconds[PHASE_CLEANUP] = 0.5;
    strcpy(push_gives.digest, DIGEST_A);
    strcpy(push_gives.manifest_digest, DIGEST_A);
    engine_result_init(&pull_gives);
    pull_gives.seconds = 3;
    pull_gives.declared_bytes = 1000;
    pull_gives.traffic.fetched_bytes = 1000;
    pull_gives.traffic.dns = 0.125;
    pull_gives.traffic.rate_limit_remaining = 7;
    pull_gives.traffic.certificate_expiry = 400;
    pull_gives.phase_seconds[PHASE_FETCH] = 2.5;
    pull_gives.phase_seconds[PHASE_CLEANUP] = 0.25;
    strcpy(pull_gives.digest, DIGEST_A);
    strcpy(pull_gives.manifest_digest, DIGEST_A);
    return 0;
}

static bool deliver(const struct push_run *push_run, const char *held, struct engine_result *result,
                    struct error *err)
{
    const struct engine_request request = {
        .name = "a",
        .reference = {"r.io", "r.io", "a/b", "x", NULL, "r.io/a/b:x"},
        .unpack = true,
        .push = {.content = {.image = held}, .overwrite = true, .last_digest = ""},
    };
    CLEANUP(cancel_deinit) struct cancel cancel;

    cancel_init(&cancel, clock_now_ns() + NS_PER_SECOND);
    engine_result_init(result);
    *err = (struct error){0};
    return push_run_execute(push_run, &request, result, &cancel, err);
}

static void a_push_is_what_its_engine_says(void **state)
{
    struct engine_result result;
    struct error err;

    (void)state;
    assert_true(deliver(&there, "", &result, &err));
    assert_true(near(result.seconds, 2));
    assert_int_equal(n_pulls, 0);
    assert_true(result.phase_seconds[PHASE_READ_BACK] < 0);
    push_fails = ERROR_FORBIDDEN;
    assert_false(deliver(&and_back, "", &result, &err));
    assert_int_equal(err.code, ERROR_FORBIDDEN);
    assert_int_equal(n_pulls, 0);
    assert_true(near(result.seconds, 2));
}

static void numbers_of_both_are_added(void **state)
{
    struct engine_result result;
    struct error err;

    (void)state;
    pull_gives.cached_bytes = 10;
    assert_true(deliver(&and_back, "", &result, &err));
    assert_int_equal(n_pulls, 1);
    assert_string_equal(pulled_name, "r.io/a/b@" DIGEST_A);
    assert_false(pulled_unpacks);
    assert_true(near(result.seconds, 5));
    assert_true(near(result.phase_seconds[PHASE_READ_BACK], 3));
    assert_true(near(result.phase_seconds[PHASE_CLEANUP], 0.75));
    assert_true(near(result.phase_seconds[PHASE_UPLOAD], 1.5));
    assert_true(result.phase_seconds[PHASE_FETCH] < 0);
    assert_int_equal(result.traffic.uploaded_bytes, 1000);
    assert_int_equal(result.traffic.fetched_bytes, 1000);
    assert_int_equal(result.cached_bytes, 10);
    assert_true(near(result.traffic.dns, 0.25));
    assert_true(near(result.traffic.rate_limit_remaining, 7));
    assert_int_equal(result.traffic.certificate_expiry, 400);
}

static void what_only_the_pull_can_see_is_taken_from_it(void **state)
{
    struct engine_result result;
    struct error err;

    (void)state;
    push_gives.declared_bytes = 0;
    strcpy(pull_gives.media_type, "type");
    assert_true(deliver(&and_back, "", &result, &err));
    assert_int_equal(result.declared_bytes, 1000);
    assert_string_equal(result.media_type, "type");
}

static void a_failed_pull_is_measured_too(void **state)
{
    struct engine_result result;
    struct error err;

    (void)state;
    pull_fails = ERROR_TIMEOUT;
    pull_gives.cleanup_failed = true;
    pull_gives.cleanup_error.code = ERROR_RUNTIME;
    assert_false(deliver(&and_back, "", &result, &err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    assert_non_null(strstr(err.message, "read back by q"));
    assert_true(near(result.phase_seconds[PHASE_READ_BACK], 3));
    assert_true(result.cleanup_failed);
    assert_int_equal(result.cleanup_error.code, ERROR_RUNTIME);
}

struct difference {
    const struct push_run *push_run;
    const char *held, *digest, *manifest_digest;
    uint64_t declared, fetched, cached;
    enum error_code want;
};

static void differences_are_failures(void **state)
{
    static const struct difference rows[] = {
        {&and_back, "", DIGEST_A, DIGEST_A, 1000, 1000, 0, ERROR_NONE},
        {&and_back, "", DIGEST_B, DIGEST_A, 1000, 1000, 0, ERROR_DIGEST_MISMATCH},
        {&and_back, "", "", DIGEST_A, 1000, 1000, 0, ERROR_DIGEST_MISMATCH},
        {&and_back, "", DIGEST_A, DIGEST_B, 1000, 1000, 0, ERROR_DIGEST_MISMATCH},
        {&and_back, "", DIGEST_A, "", 1000, 1000, 0, ERROR_NONE}, /* cannot be seen */
        {&and_back, "", DIGEST_A, DIGEST_A, 999, 1000, 0, ERROR_SIZE_MISMATCH},
        {&and_back, "", DIGEST_A, DIGEST_A, 1000, 999, 0, ERROR_SIZE_MISMATCH},
        {&and_back, "", DIGEST_A, DIGEST_A, 1000, 900, 100, ERROR_NONE},
        {&and_back, "", DIGEST_A, DIGEST_A, 1000, 1400, 0, ERROR_NONE},        /* a break */
        {&and_back, "r.io/h:1", DIGEST_A, DIGEST_A, 1000, 600, 0, ERROR_NONE}, /* a layer twice */
        {&by_daemon, "", DIGEST_A, DIGEST_A, 0, 600, 0, ERROR_NONE},
        {&by_daemon, "", DIGEST_B, DIGEST_A, 0, 600, 0, ERROR_DIGEST_MISMATCH},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct engine_result result;
        struct error err;

        strcpy(pull_gives.digest, rows[i].digest);
        strcpy(pull_gives.manifest_digest, rows[i].manifest_digest);
        pull_gives.declared_bytes = rows[i].declared;
        pull_gives.traffic.fetched_bytes = rows[i].fetched;
        pull_gives.cached_bytes = rows[i].cached;
        assert_int_equal(deliver(rows[i].push_run, rows[i].held, &result, &err),
                         rows[i].want == ERROR_NONE);
        if (err.code != rows[i].want)
            fail_msg("row %zu: %s", i, err.message);
    }
}

/* An image that others may have put there, too, is not ours to delete: no request is made (there
 * is no registry here), and what remains is said. */
static void a_held_image_that_was_there_stays(void **state)
{
    static const struct push_run removing = {&push_engine, NULL, true};
    struct engine_result result;
    struct error err;

    (void)state;
    push_gives.cached_bytes = 100;
    assert_true(deliver(&removing, "r.io/h:1", &result, &err));
    assert_true(result.cleanup_failed);
    assert_non_null(strstr(result.cleanup_error.message, "had parts of the image before"));
    push_gives.cached_bytes = 0;
    push_fails = ERROR_SERVER_ERROR;
    assert_false(deliver(&removing, "r.io/h:1", &result, &err));
    assert_true(result.cleanup_failed);
    assert_non_null(strstr(result.cleanup_error.message, "before the failure"));
    push_gives.traffic.uploaded_bytes = 0;
    assert_false(deliver(&removing, "r.io/h:1", &result, &err));
    assert_false(result.cleanup_failed); /* nothing got there */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_push_is_what_its_engine_says, prepare),
        cmocka_unit_test_setup(numbers_of_both_are_added, prepare),
        cmocka_unit_test_setup(what_only_the_pull_can_see_is_taken_from_it, prepare),
        cmocka_unit_test_setup(a_failed_pull_is_measured_too, prepare),
        cmocka_unit_test_setup(differences_are_failures, prepare),
        cmocka_unit_test_setup(a_held_image_that_was_there_stays, prepare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
