/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots keep clean samples in order, up to a limit. */
#include "metrics/snapshot.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT_BYTES ((size_t)64 << 10)
#define READERS     8
#define TURNS       2000

enum {
    PLAIN,
    LABELED,
    DURATION,
    INFO,
};

static const struct metric_family families[] = {
    [PLAIN] = {METRIC_GAUGE, "t_plain", "A gauge."},
    [LABELED] = {METRIC_COUNTER, "t_labeled_total", "A counter.", {"a", "b"}},
    [DURATION] = {METRIC_HISTOGRAM, "t_duration_seconds", "A histogram.", {"a"}},
    [INFO] = {METRIC_INFO, "t_info", "An info.", {"a"}},
    {0},
};

static void keeps_samples_in_order(void **state)
{
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(families, LIMIT_BYTES);
    const struct sample *sample;
    struct error err;

    (void)state;
    assert_non_null(snapshot);
    assert_ptr_equal(snapshot_families(snapshot), families);
    assert_null(snapshot_samples(snapshot, PLAIN));
    snapshot_add(snapshot, LABELED, 1, "x", "y");
    snapshot_add(snapshot, PLAIN, 7);
    snapshot_add(snapshot, LABELED, 2, "", "z");
    assert_true(snapshot_ok(snapshot, &err));
    sample = snapshot_samples(snapshot, LABELED);
    assert_true(sample->value == 1);
    assert_string_equal(sample->label_values[0], "x");
    assert_string_equal(sample->label_values[1], "y");
    sample = sample->next;
    assert_true(sample->value == 2);
    assert_string_equal(sample->label_values[0], "");
    assert_string_equal(sample->label_values[1], "z");
    assert_null(sample->next);
    assert_true(snapshot_samples(snapshot, PLAIN)->value == 7);
    assert_null(snapshot_samples(snapshot, INFO));
}

static void cleans_label_values(void **state)
{
    static const struct {
        const char *value, *want;
    } rows[] = {
        {"", ""},
        {"docker.io/library/nginx:1", "docker.io/library/nginx:1"},
        {"Gr\xc3\xbc\xc3\x9f\x65", "Gr\xc3\xbc\xc3\x9f\x65"},
        {"a\"b\\c", "a\"b\\c"},
        {"a\nb\tc\x7f", "a b c "},
        {"\xc2\x9b", " "},
        {"a\xff\x62", "a\xef\xbf\xbd\x62"},
        {"\xc3", "\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf0\x9f\x90\xb3", "\xf0\x9f\x90\xb3"},
    };
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(families, LIMIT_BYTES);
    const struct sample *sample;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        snapshot_add(snapshot, LABELED, (double)i, rows[i].value, "");
    sample = snapshot_samples(snapshot, LABELED);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++, sample = sample->next)
        assert_string_equal(sample->label_values[0], rows[i].want);
    assert_null(sample);
}

/* Never within a character of three bytes. */
static void truncates_long_label_values(void **state)
{
    static char letters[10001], signs[10001];
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(families, LIMIT_BYTES);
    const struct sample *sample;
    struct error err;

    (void)state;
    memset(letters, 'a', sizeof(letters) - 1);
    for (size_t i = 0; i + 3 < sizeof(signs); i += 3)
        memcpy(signs + i, "\xe2\x82\xac", 3);
    snapshot_add(snapshot, LABELED, 1, letters, signs);
    assert_true(snapshot_ok(snapshot, &err));
    sample = snapshot_samples(snapshot, LABELED);
    for (size_t i = 0; i < 2; i++) {
        size_t size = strlen(sample->label_values[i]);

        assert_in_range(size, LABEL_VALUE_LIMIT_BYTES - 4, LABEL_VALUE_LIMIT_BYTES);
        assert_true(text_is_utf8(sample->label_values[i], size));
    }
}

static void copies_label_values_and_histograms(void **state)
{
    static const double bounds[] = {1, 2};
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(families, LIMIT_BYTES);
    struct histogram histogram = HISTOGRAM_INIT(bounds);
    char value[] = "before";
    const struct sample *sample;

    (void)state;
    histogram_observe(&histogram, 1.5);
    snapshot_add_histogram(snapshot, DURATION, &histogram, value);
    histogram_observe(&histogram, 1.5);
    memcpy(value, "after!", sizeof(value));
    sample = snapshot_samples(snapshot, DURATION);
    assert_string_equal(sample->label_values[0], "before");
    assert_int_equal(histogram_count(sample->histogram), 1);
    assert_true(sample->histogram->sum == 1.5);
}

/* Many samples of a job have the same first labels: these are stored once. */
static void shares_values_with_the_sample_before(void **state)
{
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(families, LIMIT_BYTES);
    const struct sample *labeled, *info;
    char value[] = "same";

    (void)state;
    snapshot_add(snapshot, LABELED, 1, value, "b\n");
    snapshot_add(snapshot, LABELED, 2, "same", "c");
    snapshot_add(snapshot, INFO, 1, "same");
    snapshot_add(snapshot, LABELED, 3, "same", "d");
    memcpy(value, "else", sizeof(value));
    labeled = snapshot_samples(snapshot, LABELED);
    info = snapshot_samples(snapshot, INFO);
    assert_ptr_equal(labeled->label_values[0], labeled->next->label_values[0]);
    assert_ptr_equal(labeled->next->label_values, info->label_values);
    assert_ptr_equal(labeled->label_values[0], labeled->next->next->label_values[0]);
    assert_string_equal(labeled->label_values[0], "same");
    assert_string_equal(labeled->label_values[1], "b ");
    assert_string_equal(labeled->next->label_values[1], "c");
    assert_string_equal(labeled->next->next->label_values[1], "d");
}

static void copies_the_native_part_and_the_exemplars(void **state)
{
    static const double bounds[] = {1, 2};
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(families, LIMIT_BYTES);
    struct histogram histogram;
    const struct histogram *copy;

    (void)state;
    histogram_init(&histogram, bounds, 2, 100);
    histogram_observe_run(&histogram, 1.5, "first", 101);
    histogram_observe_run(&histogram, 1.5, "second", 102);
    histogram_observe_run(&histogram, 4, "third", 103);
    snapshot_add_histogram(snapshot, DURATION, &histogram, "x");
    histogram_observe_run(&histogram, 1.5, "later", 104);
    histogram_deinit(&histogram);
    copy = snapshot_samples(snapshot, DURATION)->histogram;
    assert_int_equal(copy->native->n, 2);
    assert_int_equal(copy->native->buckets[0].count, 2);
    assert_int_equal(copy->native->buckets[1].index, 16);
    assert_int_equal(copy->exemplars->n, 2);
    assert_string_equal(copy->exemplars->list[0].run_id, "second");
    assert_string_equal(copy->exemplars->list[1].run_id, "third");
    assert_true(copy->start == 100);
}

static void keeps_extra_labels(void **state)
{
    static const char *const names[] = {"team", "tier"}, *const values[] = {"a\nb", "1"};
    const struct extra_labels extra = {names, values, 2}, none = {0};
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(families, LIMIT_BYTES);
    const struct sample *sample;

    (void)state;
    snapshot_add_info(snapshot, INFO, &extra, "x");
    snapshot_add_info(snapshot, INFO, &none, "y");
    sample = snapshot_samples(snapshot, INFO);
    assert_true(sample->value == 1);
    assert_string_equal(sample->label_values[0], "x");
    assert_int_equal(sample->extra->count, 2);
    assert_string_equal(sample->extra->names[0], "team");
    assert_string_equal(sample->extra->values[0], "a b");
    assert_string_equal(sample->extra->names[1], "tier");
    assert_string_equal(sample->extra->values[1], "1");
    assert_null(sample->next->extra);
}

static void first_failure_sticks(void **state)
{
    static const double bounds[] = {1};
    const struct histogram histogram = HISTOGRAM_INIT(bounds);
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(families, 4096);
    const struct extra_labels none = {0};
    struct error err;
    size_t n = 0, kept = 0;

    (void)state;
    while (snapshot_ok(snapshot, &err) && n < 1000) {
        snapshot_add(snapshot, LABELED, 1, "some value", "another value");
        n++;
    }
    assert_in_range(n, 2, 999);
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_non_null(strstr(err.message, "too many samples"));
    snapshot_add(snapshot, PLAIN, 1); /* would fit, but the failure sticks */
    snapshot_add_histogram(snapshot, DURATION, &histogram, "x");
    snapshot_add_info(snapshot, INFO, &none, "x");
    assert_false(snapshot_ok(snapshot, &err));
    assert_null(snapshot_samples(snapshot, PLAIN));
    assert_null(snapshot_samples(snapshot, DURATION));
    assert_null(snapshot_samples(snapshot, INFO));
    for (const struct sample *at = snapshot_samples(snapshot, LABELED); at; at = at->next) {
        assert_string_equal(at->label_values[1], "another value");
        kept++;
    }
    assert_int_equal(kept, n - 1);
}

static void *refer_and_let_go(void *arg)
{
    for (int i = 0; i < TURNS; i++) {
        struct snapshot *mine = snapshot_ref(arg);

        if (snapshot_samples(mine, PLAIN)->value != 7)
            abort();
        snapshot_unref(mine);
    }
    snapshot_unref(arg);
    return NULL;
}

static void lives_until_the_last_unref(void **state)
{
    struct snapshot *snapshot = snapshot_new(families, LIMIT_BYTES);
    pthread_t readers[READERS];

    (void)state;
    snapshot_add(snapshot, PLAIN, 7);
    for (size_t i = 0; i < READERS; i++)
        assert_int_equal(
            pthread_create(&readers[i], NULL, refer_and_let_go, snapshot_ref(snapshot)), 0);
    snapshot_unref(snapshot);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    snapshot_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_samples_in_order),
        cmocka_unit_test(cleans_label_values),
        cmocka_unit_test(truncates_long_label_values),
        cmocka_unit_test(copies_label_values_and_histograms),
        cmocka_unit_test(shares_values_with_the_sample_before),
        cmocka_unit_test(copies_the_native_part_and_the_exemplars),
        cmocka_unit_test(keeps_extra_labels),
        cmocka_unit_test(first_failure_sticks),
        cmocka_unit_test(lives_until_the_last_unref),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
