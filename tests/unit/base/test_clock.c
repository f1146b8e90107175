/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks in nanoseconds and seconds. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void reads_both_clocks(void **state)
{
    int64_t before_ns = clock_now_ns(), unix_ns = clock_unix_ns();
    time_t now = time(NULL);
    struct timespec monotonic;

    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    assert_true(before_ns <= monotonic.tv_sec * NS_PER_SECOND + monotonic.tv_nsec);
    assert_true(clock_now_ns() >= monotonic.tv_sec * NS_PER_SECOND + monotonic.tv_nsec);
    assert_true(clock_unix_ns() >= unix_ns);
    assert_in_range(unix_ns / NS_PER_SECOND, now - 3600, now + 1); /* a slow machine, a leap */
    assert_true(clock_unix_seconds() > (double)now - 3600 &&
                clock_unix_seconds() < (double)now + 3600);
}

static void converts_units(void **state)
{
    struct timespec ts = clock_timespec(3 * NS_PER_SECOND + 7);

    (void)state;
    assert_int_equal(ts.tv_sec, 3);
    assert_int_equal(ts.tv_nsec, 7);
    assert_true(ns_to_seconds(1500 * NS_PER_MS) == 1.5);
    assert_true(seconds_between(NS_PER_SECOND, 3 * NS_PER_SECOND + NS_PER_SECOND / 2) == 2.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_both_clocks),
        cmocka_unit_test(converts_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
