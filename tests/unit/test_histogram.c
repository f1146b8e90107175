/* SPDX-License-Identifier: Apache-2.0 */
/* Which bucket an observation falls into. */
#include "metrics/histogram.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const double bounds[] = {0.5, 1, 30};

static void counts_a_value_where_its_bound_is_not_below_it(void **state)
{
    static const struct {
        double value;
        size_t want;
    } rows[] = {
        {-1, 0}, {0, 0},     {0.5, 0},  {0.50001, 1},  {1, 1},
        {30, 2}, {30.01, 3}, {1e99, 3}, {INFINITY, 3}, {-INFINITY, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct histogram histogram = HISTOGRAM_INIT(bounds);

        histogram_observe(&histogram, rows[i].value);
        for (size_t bucket = 0; bucket <= 3; bucket++)
            assert_int_equal(histogram.counts[bucket], bucket == rows[i].want);
        assert_true(histogram.sum == rows[i].value);
    }
}

static void counts_and_sums(void **state)
{
    struct histogram histogram = HISTOGRAM_INIT(bounds);

    (void)state;
    assert_int_equal(histogram.n_bounds, 3);
    assert_int_equal(histogram_count(&histogram), 0);
    for (int i = 0; i < 100; i++)
        histogram_observe(&histogram, i);
    assert_int_equal(histogram_count(&histogram), 100);
    assert_int_equal(histogram.counts[0], 1);
    assert_int_equal(histogram.counts[1], 1);
    assert_int_equal(histogram.counts[2], 29);
    assert_int_equal(histogram.counts[3], 69);
    assert_true(histogram.sum == 4950);
}

static void does_without_bounds(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    histogram_observe(&histogram, 3);
    assert_int_equal(histogram.counts[0], 1);
    assert_int_equal(histogram_count(&histogram), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_a_value_where_its_bound_is_not_below_it),
        cmocka_unit_test(counts_and_sums),
        cmocka_unit_test(does_without_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
