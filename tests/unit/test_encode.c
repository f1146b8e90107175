/* SPDX-License-Identifier: Apache-2.0 */
/* The text that Prometheus reads, byte by byte. */
#include "metrics/encode.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT_BYTES ((size_t)64 << 10)

enum {
    PLAIN,
    LABELED,
    DURATION,
    INFO,
};

static const struct metric_family families[] = {
    [PLAIN] = {METRIC_GAUGE, "t_plain", "A \\ and a\nnew line and a \"quote\"."},
    [LABELED] = {METRIC_COUNTER, "t_labeled_total", "A counter.", {"a", "b"}},
    [DURATION] = {METRIC_HISTOGRAM, "t_duration_seconds", "A histogram.", {"a"}},
    [INFO] = {METRIC_INFO, "t_info", "An info.", {"a"}},
    {0},
};

/* What becomes of the family's samples, with its head; malloc'ed. */
static char *encoded(const struct snapshot *snapshot, size_t family)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    struct error err;

    encode_family(&out, ENCODE_TEXT, &families[family]);
    encode_samples(&out, ENCODE_TEXT, &families[family], snapshot_samples(snapshot, family));
    encode_end(&out, ENCODE_TEXT);
    assert_true(buf_ok(&out, &err));
    return buf_take(&out);
}

static void writes_a_gauge(void **state)
{
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(families, LIMIT_BYTES);
    CLEANUP(freep) char *text = NULL;

    (void)state;
    snapshot_add(snapshot, PLAIN, 1.5);
    text = encoded(snapshot, PLAIN);
    assert_string_equal(text, "# HELP t_plain A \\\\ and a\\nnew line and a \"quote\".\n"
                              "# TYPE t_plain gauge\n"
                              "t_plain 1.5\n");
}

static void escapes_label_values(void **state)
{
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(families, LIMIT_BYTES);
    CLEANUP(freep) char *text = NULL;

    (void)state;
    snapshot_add(snapshot, LABELED, 3, "C:\\dir\\", "say \"hi\"");
    snapshot_add(snapshot, LABELED, 4, "", "\xc3\xbc{}=,");
    text = encoded(snapshot, LABELED);
    assert_string_equal(text, "# HELP t_labeled_total A counter.\n"
                              "# TYPE t_labeled_total counter\n"
                              "t_labeled_total{a=\"C:\\\\dir\\\\\",b=\"say \\\"hi\\\"\"} 3\n"
                              "t_labeled_total{a=\"\",b=\"\xc3\xbc{}=,\"} 4\n");
}

/* A snapshot has no newlines left in it; the encoder does not rely on that. */
static void escapes_a_new_line(void **state)
{
    const char *values[] = {"two\nlines", "\\n"};
    const struct sample sample = {.label_values = values, .value = 1};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);

    (void)state;
    encode_samples(&out, ENCODE_TEXT, &families[LABELED], &sample);
    assert_string_equal(out.data, "t_labeled_total{a=\"two\\nlines\",b=\"\\\\n\"} 1\n");
}

static void writes_a_histogram_cumulatively(void **state)
{
    static const double bounds[] = {0.005, 0.1, 1, 2.5, 30, 1e21};
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(families, LIMIT_BYTES);
    CLEANUP(freep) char *text = NULL;
    struct histogram histogram = HISTOGRAM_INIT(bounds);

    (void)state;
    histogram_observe(&histogram, 0.001);
    histogram_observe(&histogram, 1);
    histogram_observe(&histogram, 20);
    histogram_observe(&histogram, 1e22);
    histogram.sum = 40.25;
    snapshot_add_histogram(snapshot, DURATION, &histogram, "x");
    text = encoded(snapshot, DURATION);
    assert_string_equal(text, "# HELP t_duration_seconds A histogram.\n"
                              "# TYPE t_duration_seconds histogram\n"
                              "t_duration_seconds_bucket{a=\"x\",le=\"0.005\"} 1\n"
                              "t_duration_seconds_bucket{a=\"x\",le=\"0.1\"} 1\n"
                              "t_duration_seconds_bucket{a=\"x\",le=\"1.0\"} 2\n"
                              "t_duration_seconds_bucket{a=\"x\",le=\"2.5\"} 2\n"
                              "t_duration_seconds_bucket{a=\"x\",le=\"30.0\"} 3\n"
                              "t_duration_seconds_bucket{a=\"x\",le=\"1e+21\"} 3\n"
                              "t_duration_seconds_bucket{a=\"x\",le=\"+Inf\"} 4\n"
                              "t_duration_seconds_sum{a=\"x\"} 40.25\n"
                              "t_duration_seconds_count{a=\"x\"} 4\n");
}

static void writes_an_info_with_labels_of_its_own(void **state)
{
    static const char *const names[] = {"team"}, *const values[] = {"\"core\""};
    const struct extra_labels extra = {names, values, 1};
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(families, LIMIT_BYTES);
    CLEANUP(freep) char *text = NULL;

    (void)state;
    snapshot_add_info(snapshot, INFO, &extra, "x");
    text = encoded(snapshot, INFO);
    assert_string_equal(text, "# HELP t_info An info.\n"
                              "# TYPE t_info gauge\n"
                              "t_info{a=\"x\",team=\"\\\"core\\\"\"} 1\n");
}

static const struct {
    double value;
    const char *want;
} numbers[] = {
    {0, "0"},
    {1, "1"},
    {-1, "-1"},
    {10, "10"},
    {1000000, "1000000"},
    {1761213045, "1761213045"},
    {9007199254740991, "9007199254740991"}, /* 2^53 - 1 */
    {-9007199254740991, "-9007199254740991"},
    {9007199254740992, "9007199254740992"},
    {18446744073709551615.0, "1.8446744073709552e+19"},
    {1e21, "1e+21"},
    {1e300, "1e+300"},
    {0.1, "0.1"},
    {0.1 + 0.2, "0.30000000000000004"},
    {1.0 / 3, "0.3333333333333333"},
    {-2.5, "-2.5"},
    {1761213045.123, "1761213045.123"},
    {1e-5, "1e-05"},
    {5e-324, "5e-324"},
    {NAN, "NaN"},
    {-NAN, "NaN"},
    {INFINITY, "+Inf"},
    {-INFINITY, "-Inf"},
    {-0.0, "0"},
};

static void writes_numbers_as_short_as_possible(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(64);

        encode_number(&out, numbers[i].value);
        assert_string_equal(out.data, numbers[i].want);
        if (!isnan(numbers[i].value))
            assert_true(strtod(out.data, NULL) == numbers[i].value);
    }
}

static void always_finds_a_format(void **state)
{
    static const char *const headers[] = {
        NULL,
        "",
        "*/*",
        "text/html",
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2",
        ";;;,,q=",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        assert_non_null(strstr(encode_content_type(encode_negotiate(headers[i])), "version="));
    assert_string_equal(encode_content_type(ENCODE_TEXT),
                        "text/plain; version=0.0.4; charset=utf-8");
}

static void stops_at_the_ceiling_of_the_page(void **state)
{
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(families, LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(100);
    struct error err;

    (void)state;
    for (int i = 0; i < 20; i++)
        snapshot_add(snapshot, PLAIN, i);
    encode_samples(&out, ENCODE_TEXT, &families[PLAIN], snapshot_samples(snapshot, PLAIN));
    assert_false(buf_ok(&out, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_in_range(out.size, 1, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_gauge),
        cmocka_unit_test(escapes_label_values),
        cmocka_unit_test(escapes_a_new_line),
        cmocka_unit_test(writes_a_histogram_cumulatively),
        cmocka_unit_test(writes_an_info_with_labels_of_its_own),
        cmocka_unit_test(writes_numbers_as_short_as_possible),
        cmocka_unit_test(always_finds_a_format),
        cmocka_unit_test(stops_at_the_ceiling_of_the_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
