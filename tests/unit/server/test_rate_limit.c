/* SPDX-License-Identifier: Apache-2.0 */
/* The token bucket, at times that the test chooses. */
#include "server/rate_limit.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOW (1000 * NS_PER_SECOND)

static void allows_a_burst_then_one_per_interval(void **state)
{
    CLEANUP(rate_limit_deinit) struct rate_limit limit;
    int64_t now_ns = NOW;

    (void)state;
    rate_limit_init(&limit);
    for (int i = 0; i < 3; i++)
        assert_true(rate_limit_allow(&limit, NS_PER_SECOND, 3, now_ns));
    assert_false(rate_limit_allow(&limit, NS_PER_SECOND, 3, now_ns));
    assert_false(rate_limit_allow(&limit, NS_PER_SECOND, 3, now_ns + 999 * NS_PER_MS));
    assert_true(rate_limit_allow(&limit, NS_PER_SECOND, 3, now_ns + NS_PER_SECOND));
    assert_false(rate_limit_allow(&limit, NS_PER_SECOND, 3, now_ns + NS_PER_SECOND));
    for (int i = 2; i < 20; i++) {
        assert_true(rate_limit_allow(&limit, NS_PER_SECOND, 3, now_ns + i * NS_PER_SECOND));
        assert_false(rate_limit_allow(&limit, NS_PER_SECOND, 3, now_ns + i * NS_PER_SECOND));
    }
}

static void never_holds_more_than_the_burst(void **state)
{
    CLEANUP(rate_limit_deinit) struct rate_limit limit;

    (void)state;
    rate_limit_init(&limit);
    assert_true(rate_limit_allow(&limit, NS_PER_SECOND, 2, NOW));
    for (int i = 0; i < 2; i++)
        assert_true(rate_limit_allow(&limit, NS_PER_SECOND, 2, NOW + 1000 * NS_PER_SECOND));
    assert_false(rate_limit_allow(&limit, NS_PER_SECOND, 2, NOW + 1000 * NS_PER_SECOND));
}

static void rejected_requests_take_no_token(void **state)
{
    CLEANUP(rate_limit_deinit) struct rate_limit limit;

    (void)state;
    rate_limit_init(&limit);
    assert_true(rate_limit_allow(&limit, NS_PER_SECOND, 1, NOW));
    for (int i = 1; i < 100; i++)
        assert_false(rate_limit_allow(&limit, NS_PER_SECOND, 1, NOW + i * 10 * NS_PER_MS));
    assert_true(rate_limit_allow(&limit, NS_PER_SECOND, 1, NOW + NS_PER_SECOND + NS_PER_MS));
}

static void does_not_limit_without_an_interval(void **state)
{
    CLEANUP(rate_limit_deinit) struct rate_limit limit;

    (void)state;
    rate_limit_init(&limit);
    for (int i = 0; i < 1000; i++)
        assert_true(rate_limit_allow(&limit, 0, 0, NOW));
}

static void applies_new_limits_at_once(void **state)
{
    CLEANUP(rate_limit_deinit) struct rate_limit limit;

    (void)state;
    rate_limit_init(&limit);
    assert_true(rate_limit_allow(&limit, NS_PER_SECOND, 100, NOW));
    assert_true(rate_limit_allow(&limit, NS_PER_SECOND, 1, NOW));
    assert_false(rate_limit_allow(&limit, NS_PER_SECOND, 1, NOW));
    assert_true(rate_limit_allow(&limit, NS_PER_MS, 1, NOW + NS_PER_MS));
}

static void ignores_older_times(void **state)
{
    CLEANUP(rate_limit_deinit) struct rate_limit limit;

    (void)state;
    rate_limit_init(&limit);
    assert_true(rate_limit_allow(&limit, NS_PER_SECOND, 1, NOW));
    assert_false(rate_limit_allow(&limit, NS_PER_SECOND, 1, NOW - 500 * NS_PER_SECOND));
    assert_false(rate_limit_allow(&limit, NS_PER_SECOND, 1, NOW + 500 * NS_PER_MS));
    assert_true(rate_limit_allow(&limit, NS_PER_SECOND, 1, NOW + 1001 * NS_PER_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allows_a_burst_then_one_per_interval),
        cmocka_unit_test(never_holds_more_than_the_burst),
        cmocka_unit_test(rejected_requests_take_no_token),
        cmocka_unit_test(does_not_limit_without_an_interval),
        cmocka_unit_test(applies_new_limits_at_once),
        cmocka_unit_test(ignores_older_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
