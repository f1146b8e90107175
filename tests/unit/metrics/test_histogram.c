/* SPDX-License-Identifier: Apache-2.0 */
/* Classic and native buckets of observations, and the limit of native buckets. */
#include "metrics/histogram.h"

#include "base/own.h"
#include "metrics/native_spans.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW 1761213045.5

static const double bounds[] = {0.5, 1, 30};

static void upper_bounds_are_inclusive(void **state)
{
    static const struct {
        double value;
        size_t want;
    } rows[] = {
        {0, 0}, {0.5, 0}, {0.50001, 1}, {1, 1}, {30, 2}, {30.01, 3}, {1e99, 3},
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
    assert_null(histogram.native);
}

static void works_without_bounds(void **state)
{
    struct histogram histogram = {0};

    (void)state;
    histogram_observe(&histogram, 3);
    assert_int_equal(histogram.counts[0], 1);
    assert_int_equal(histogram_count(&histogram), 1);
}

/* Negative durations come from clock steps, NaN and infinities from divisions by zero. */
static void ignores_invalid_values(void **state)
{
    CLEANUP(histogram_deinit) struct histogram histogram;

    (void)state;
    histogram_init(&histogram, bounds, 3, NOW);
    histogram_observe_run(&histogram, NAN, "id", NOW);
    histogram_observe_run(&histogram, INFINITY, "id", NOW);
    histogram_observe_run(&histogram, -INFINITY, "id", NOW);
    assert_int_equal(histogram_count(&histogram), 0);
    assert_null(histogram.exemplars);
    histogram_observe_run(&histogram, -3, "id", NOW);
    histogram_observe_run(&histogram, -0.0, "id", NOW);
    assert_int_equal(histogram.counts[0], 2);
    assert_int_equal(histogram.native->zero_count, 2);
    assert_int_equal(histogram.native->n, 0);
    assert_true(histogram.sum == 0 && !signbit(histogram.sum));
    assert_true(histogram.exemplars->list[0].value == 0);
}

static void finds_the_native_bucket(void **state)
{
    static const struct {
        int schema;
        double value;
        int32_t want;
    } rows[] = {
        {3, 0.001, -79},  {3, 0.5, -8},   {3, 1, 0},      {3, 1.0001, 1}, {3, 2, 8},
        {3, 4, 16},       {3, 30, 40},    {3, 60, 48},    {3, 600, 74},   {3, 0x1p-1074, -8592},
        {3, 1e308, 8186}, {2, 1, 0},      {2, 2, 4},      {2, 30, 20},    {1, 2, 2},
        {1, 3, 4},        {0, 1, 0},      {0, 1.5, 1},    {0, 2, 1},      {0, 2.5, 2},
        {0, 0.5, -1},     {0, 0.6, 0},    {-1, 4, 1},     {-1, 5, 2},     {-1, 0.25, -1},
        {-1, 0.3, 0},     {-4, 65536, 1}, {-4, 65537, 2}, {-4, 1, 0},     {-4, 0x1p-16, -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(histogram_native_index(rows[i].schema, rows[i].value), rows[i].want);
}

/* A native bucket contains its upper bound, at each resolution. */
static void native_bounds_are_inclusive(void **state)
{
    (void)state;
    for (int schema = HISTOGRAM_SCHEMA; schema >= HISTOGRAM_SCHEMA_MIN; schema--)
        for (int32_t index = schema < 0 ? -7 : -200; index <= (schema < 0 ? 7 : 200); index++) {
            double bound = histogram_native_bound(schema, index);

            assert_int_equal(histogram_native_index(schema, bound), index);
            assert_int_equal(histogram_native_index(schema, nextafter(bound, INFINITY)), index + 1);
            assert_true(fabs(bound / exp2(index * exp2(-schema)) - 1) < 1e-12);
        }
}

static uint64_t native_count(const struct native_histogram *native)
{
    uint64_t count = native->zero_count;

    for (size_t i = 0; i < native->n; i++) {
        assert_true(i == 0 || native->buckets[i - 1].index < native->buckets[i].index);
        assert_int_not_equal(native->buckets[i].count, 0);
        count += native->buckets[i].count;
    }
    return count;
}

static void keeps_native_buckets_in_order(void **state)
{
    static const double values[] = {30, 0.001, 600, 30.5, 0.001, 1, 0, 1e-40};
    static const struct native_bucket want[] = {{-79, 2}, {0, 1}, {40, 2}, {74, 1}};
    CLEANUP(histogram_deinit) struct histogram histogram;

    (void)state;
    histogram_init(&histogram, bounds, 3, NOW);
    assert_int_equal(histogram.native->schema, 3);
    assert_true(histogram.native->zero_threshold == 2.938735877055719e-39);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        histogram_observe(&histogram, values[i]);
    assert_int_equal(histogram.native->n, 4);
    assert_memory_equal(histogram.native->buckets, want, sizeof(want));
    assert_int_equal(histogram.native->zero_count, 2);
    assert_int_equal(native_count(histogram.native), histogram_count(&histogram));
    assert_true(histogram.start == NOW);
    assert_null(histogram.exemplars);
}

/* One value in each of `n` buckets from `first` on. */
static void fill(struct histogram *histogram, int32_t first, int32_t n, double now)
{
    for (int32_t i = 0; i < n; i++)
        histogram_observe_run(histogram, histogram_native_bound(3, first + i), NULL, now);
}

static void halves_the_resolution_beyond_the_limit(void **state)
{
    CLEANUP(histogram_deinit) struct histogram histogram;

    (void)state;
    histogram_init(&histogram, bounds, 3, NOW);
    fill(&histogram, 1, HISTOGRAM_NATIVE_MAX, NOW + 1);
    assert_int_equal(histogram.native->n, HISTOGRAM_NATIVE_MAX);
    assert_int_equal(histogram.native->schema, 3);
    fill(&histogram, 161, 1, NOW + 2);
    assert_int_equal(histogram.native->schema, 2);
    assert_int_equal(histogram.native->n, 81);
    assert_int_equal(histogram.native->buckets[0].index, 1);
    assert_int_equal(histogram.native->buckets[0].count, 2);
    assert_int_equal(histogram.native->buckets[80].index, 81);
    assert_int_equal(histogram.native->buckets[80].count, 1);
    assert_int_equal(native_count(histogram.native), 161);
    assert_int_equal(histogram_count(&histogram), 161);
    assert_true(histogram.native->zero_threshold == HISTOGRAM_ZERO);
    assert_true(histogram.start == NOW);
}

static void widens_the_zero_bucket_first(void **state)
{
    CLEANUP(histogram_deinit) struct histogram histogram;
    int32_t last_small = -8 * 10; /* 2^-10 */

    (void)state;
    histogram_init(&histogram, bounds, 3, NOW);
    histogram_observe(&histogram, 0);
    fill(&histogram, last_small - 1, HISTOGRAM_NATIVE_MAX + 1, NOW + 1);
    assert_int_equal(histogram.native->schema, 3);
    assert_int_equal(histogram.native->n, HISTOGRAM_NATIVE_MAX);
    assert_int_equal(histogram.native->zero_count, 2);
    assert_true(histogram.native->zero_threshold == histogram_native_bound(3, last_small - 1));
    histogram_observe(&histogram, histogram.native->zero_threshold);
    assert_int_equal(histogram.native->zero_count, 3);
    fill(&histogram, last_small + HISTOGRAM_NATIVE_MAX, 1, NOW + 1);
    assert_int_equal(histogram.native->schema, 3);
    assert_true(histogram.native->zero_threshold == HISTOGRAM_ZERO_MAX);
    fill(&histogram, last_small + HISTOGRAM_NATIVE_MAX + 1, 1, NOW + 1);
    assert_int_equal(histogram.native->schema, 2); /* the zero bucket ends at a millisecond */
    assert_true(histogram.native->zero_threshold == HISTOGRAM_ZERO_MAX);
    assert_int_equal(native_count(histogram.native), histogram_count(&histogram));
}

static void resets_after_an_hour(void **state)
{
    CLEANUP(histogram_deinit) struct histogram histogram;

    (void)state;
    histogram_init(&histogram, bounds, 3, NOW);
    histogram_observe_run(&histogram, 1, "before", NOW);
    fill(&histogram, 1, HISTOGRAM_NATIVE_MAX - 1, NOW + 4000); /* within the limit: no reset */
    assert_int_equal(histogram_count(&histogram), HISTOGRAM_NATIVE_MAX);
    histogram_observe_run(&histogram, 1e9, "after", NOW + 4000);
    assert_int_equal(histogram_count(&histogram), 1);
    assert_int_equal(histogram.counts[3], 1);
    assert_true(histogram.sum == 1e9);
    assert_true(histogram.start == NOW + 4000);
    assert_int_equal(histogram.native->n, 1);
    assert_int_equal(histogram.native->schema, 3);
    assert_int_equal(histogram.exemplars->n, 1);
    assert_string_equal(histogram.exemplars->list[0].run_id, "after");
    fill(&histogram, 1, HISTOGRAM_NATIVE_MAX, NOW + 4000 + 3599); /* an hour since the last reset */
    assert_int_equal(histogram_count(&histogram), HISTOGRAM_NATIVE_MAX + 1);
    assert_int_equal(histogram.native->schema, 2);
}

/* A reset restores the resolution. */
static void a_reset_restores_the_resolution(void **state)
{
    CLEANUP(histogram_deinit) struct histogram histogram;

    (void)state;
    histogram_init(&histogram, bounds, 3, NOW);
    fill(&histogram, -100, HISTOGRAM_NATIVE_MAX * 2, NOW);
    assert_int_equal(histogram.native->schema, 2);
    assert_true(histogram.native->zero_threshold > HISTOGRAM_ZERO);
    for (int32_t i = 0; i < HISTOGRAM_NATIVE_MAX; i++)
        histogram_observe_run(&histogram, histogram_native_bound(2, 400 + i), NULL, NOW + 3600);
    assert_int_equal(histogram.native->schema, 3);
    assert_true(histogram.native->zero_threshold == HISTOGRAM_ZERO);
    assert_true(histogram.start == NOW + 3600);
    assert_int_equal(native_count(histogram.native), histogram_count(&histogram));
}

/* For any values the limit holds and no count is lost. */
static void holds_any_double(void **state)
{
    CLEANUP(histogram_deinit) struct histogram histogram;
    int n = 0;

    (void)state;
    histogram_init(&histogram, bounds, 3, NOW);
    for (int exponent = -1074; exponent < 1000; exponent++, n++) {
        histogram_observe(&histogram, ldexp(1.3, exponent));
        assert_in_range(histogram.native->n, 0, HISTOGRAM_NATIVE_MAX);
        assert_int_equal(native_count(histogram.native), n + 1);
    }
    assert_true(histogram.native->schema >= HISTOGRAM_SCHEMA_MIN);
}

static void keeps_the_latest_exemplar_of_each_bucket(void **state)
{
    CLEANUP(histogram_deinit) struct histogram histogram;
    const struct exemplar *list;

    (void)state;
    histogram_init(&histogram, bounds, 3, NOW);
    histogram_observe_run(&histogram, 0.4, "aaaaaaaaaaaaaaaa", NOW + 1);
    histogram_observe_run(&histogram, 20, "bbbbbbbbbbbbbbbb", NOW + 2);
    histogram_observe_run(&histogram, 99, "cccccccccccccccc", NOW + 3);
    histogram_observe_run(&histogram, 0.3, "dddddddddddddddd", NOW + 4);
    histogram_observe_run(&histogram, 0.2, NULL, NOW + 5);
    histogram_observe_run(&histogram, 0.2, "", NOW + 6);
    assert_int_equal(histogram.exemplars->n, 3);
    list = histogram.exemplars->list;
    assert_string_equal(list[0].run_id, "bbbbbbbbbbbbbbbb");
    assert_int_equal(list[0].bucket, 2);
    assert_true(list[0].value == 20 && list[0].timestamp == NOW + 2);
    assert_int_equal(list[1].bucket, 3);
    assert_string_equal(list[2].run_id, "dddddddddddddddd");
    assert_int_equal(list[2].bucket, 0);
    assert_true(list[2].value == 0.3 && list[2].timestamp == NOW + 4);
}

static void lists_spans_and_fills_small_gaps(void **state)
{
    static const int32_t indices[] = {-5, -4, -1, 0, 4, 5, 100};
    static const struct native_span want[] = {{-5, 6}, {3, 2}, {94, 1}};
    static const uint32_t counts[] = {1, 2, 0, 0, 3, 4, 5, 6, 7};
    CLEANUP(histogram_deinit) struct histogram histogram;
    struct native_spans list;

    (void)state;
    histogram_init(&histogram, bounds, 3, NOW);
    native_spans_list(histogram.native, &list);
    assert_int_equal(list.n_spans, 0);
    assert_int_equal(list.n_counts, 0);
    for (uint32_t i = 0; i < sizeof(indices) / sizeof(indices[0]); i++)
        for (uint32_t n = 0; n <= i; n++)
            histogram_observe(&histogram, histogram_native_bound(3, indices[i]));
    native_spans_list(histogram.native, &list);
    assert_int_equal(list.n_spans, 3);
    assert_memory_equal(list.spans, want, sizeof(want));
    assert_int_equal(list.n_counts, sizeof(counts) / sizeof(counts[0]));
    assert_memory_equal(list.counts, counts, sizeof(counts));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upper_bounds_are_inclusive),
        cmocka_unit_test(counts_and_sums),
        cmocka_unit_test(works_without_bounds),
        cmocka_unit_test(ignores_invalid_values),
        cmocka_unit_test(finds_the_native_bucket),
        cmocka_unit_test(native_bounds_are_inclusive),
        cmocka_unit_test(keeps_native_buckets_in_order),
        cmocka_unit_test(halves_the_resolution_beyond_the_limit),
        cmocka_unit_test(widens_the_zero_bucket_first),
        cmocka_unit_test(resets_after_an_hour),
        cmocka_unit_test(a_reset_restores_the_resolution),
        cmocka_unit_test(holds_any_double),
        cmocka_unit_test(keeps_the_latest_exemplar_of_each_bucket),
        cmocka_unit_test(lists_spans_and_fills_small_gaps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
