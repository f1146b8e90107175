/* SPDX-License-Identifier: Apache-2.0 */
/* OpenMetrics, byte by byte: Prometheus parses it strictly. */
#include "support/encode_fixture.h"

static const double bounds[] = {0.5, 30};
static const char *const values[] = {"x", "y"};

static void check(enum encode_format format, struct encode_options options,
                  const struct metric_family *family, const struct sample *samples,
                  const char *want)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);

    encode_one(&(struct encoder){.out = &out, .format = format, .options = options}, family,
               samples);
    assert_string_equal(out.data, want);
}

static const struct encode_options none = {0}, all = {true, true};

static void family_names_omit_the_suffix(void **state)
{
    const struct sample sample = {.label_values = values, .value = 1};

    (void)state;
    check(ENCODE_OPENMETRICS, none, &families[LABELED], &sample,
          "# TYPE t_labeled counter\n"
          "# HELP t_labeled A counter.\n"
          "t_labeled_total{a=\"x\",b=\"y\"} 1\n");
    check(ENCODE_OPENMETRICS_0, none, &families[INFO], &sample,
          "# TYPE t info\n"
          "# HELP t An info.\n"
          "t_info{a=\"x\"} 1\n");
}

static void escapes_quotes_in_help(void **state)
{
    const struct sample sample = {.value = 0.5};

    (void)state;
    check(ENCODE_OPENMETRICS, none, &families[PLAIN], &sample,
          "# TYPE t_plain gauge\n"
          "# HELP t_plain A \\\\ and a\\nnew line and a \\\"quote\\\".\n"
          "t_plain 0.5\n");
}

/* Prometheus rejects the page if a unit is not the end of the name. */
static void writes_the_unit_if_the_name_ends_in_it(void **state)
{
    static const struct {
        enum metric_type type;
        const char *name, *want;
    } rows[] = {
        {METRIC_GAUGE, "t_a_bytes", "\n# UNIT t_a_bytes bytes\n"},
        {METRIC_GAUGE, "t_free_ratio", "\n# UNIT t_free_ratio ratio\n"},
        {METRIC_GAUGE, "t_last_timestamp_seconds", "\n# UNIT t_last_timestamp_seconds seconds\n"},
        {METRIC_COUNTER, "t_cpu_seconds_total", "\n# UNIT t_cpu_seconds seconds\n"},
        {METRIC_COUNTER, "t_bytes_total", "\n# UNIT t_bytes bytes\n"},
        {METRIC_COUNTER, "t_runs_total", NULL},
        {METRIC_GAUGE, "t_bytes_left", NULL},
        {METRIC_GAUGE, "t_kilobytes", NULL},
        {METRIC_GAUGE, "seconds", NULL},
        {METRIC_INFO, "t_bytes_info", NULL},
        {METRIC_INFO, "t_bytes", NULL},
    };
    const struct sample sample = {.value = 1};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct metric_family family = {rows[i].type, rows[i].name, "Help."};
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);

        encode_one(&(struct encoder){.out = &out, .format = ENCODE_OPENMETRICS}, &family, &sample);
        if (rows[i].want)
            assert_non_null(strstr(out.data, rows[i].want));
        else
            assert_null(strstr(out.data, "UNIT"));
    }
}

/* Three runs; the last two have ids. */
static void observe(struct histogram *histogram)
{
    histogram_init(histogram, bounds, 2, START);
    histogram_observe(histogram, 0.25);
    histogram_observe_run(histogram, 0.375, "0123456789abcdef", START + 1);
    histogram_observe_run(histogram, 600, "fedcba9876543210", START + 2.5);
}

#define HEAD                                \
    "# TYPE t_duration_seconds histogram\n" \
    "# UNIT t_duration_seconds seconds\n"   \
    "# HELP t_duration_seconds A histogram.\n"
#define BUCKETS                                                                             \
    "t_duration_seconds_bucket{a=\"x\",le=\"0.5\"} 2 # {run_id=\"0123456789abcdef\"} "      \
    "0.375 1761213046.5\n"                                                                  \
    "t_duration_seconds_bucket{a=\"x\",le=\"30.0\"} 2\n"                                    \
    "t_duration_seconds_bucket{a=\"x\",le=\"+Inf\"} 3 # {run_id=\"fedcba9876543210\"} 600 " \
    "1761213048\n"                                                                          \
    "t_duration_seconds_sum{a=\"x\"} 600.625\n"                                             \
    "t_duration_seconds_count{a=\"x\"} 3\n"

static void writes_exemplars_after_buckets(void **state)
{
    CLEANUP(histogram_deinit) struct histogram histogram;
    const struct sample sample = {.label_values = values, .histogram = &histogram};

    (void)state;
    observe(&histogram);
    check(ENCODE_OPENMETRICS, none, &families[DURATION], &sample, HEAD BUCKETS);
}

static void escapes_run_ids(void **state)
{
    CLEANUP(histogram_deinit) struct histogram histogram;
    const struct sample sample = {.label_values = values, .histogram = &histogram};

    (void)state;
    histogram_init(&histogram, bounds, 2, START);
    histogram_observe_run(&histogram, 1, "a\"b", START);
    check(ENCODE_OPENMETRICS, none, &families[DURATION], &sample,
          HEAD "t_duration_seconds_bucket{a=\"x\",le=\"0.5\"} 0\n"
               "t_duration_seconds_bucket{a=\"x\",le=\"30.0\"} 1 # {run_id=\"a\\\"b\"} 1 "
               "1761213045.5\n"
               "t_duration_seconds_bucket{a=\"x\",le=\"+Inf\"} 1\n"
               "t_duration_seconds_sum{a=\"x\"} 1\n"
               "t_duration_seconds_count{a=\"x\"} 1\n");
}

/* Each after its series; counters have no start time. */
static void writes_created_lines_on_request(void **state)
{
    CLEANUP(histogram_deinit) struct histogram histogram;
    struct histogram unknown = HISTOGRAM_INIT(bounds);
    const struct sample later = {.label_values = values + 1, .histogram = &unknown};
    struct sample sample = {
        .next = (struct sample *)&later, .label_values = values, .histogram = &histogram};
    const struct sample counter = {.label_values = values, .value = 1};

    (void)state;
    observe(&histogram);
    check(ENCODE_OPENMETRICS, all, &families[DURATION], &sample,
          HEAD BUCKETS "t_duration_seconds_created{a=\"x\"} 1761213045.5\n"
                       "t_duration_seconds_bucket{a=\"y\",le=\"0.5\"} 0\n"
                       "t_duration_seconds_bucket{a=\"y\",le=\"30.0\"} 0\n"
                       "t_duration_seconds_bucket{a=\"y\",le=\"+Inf\"} 0\n"
                       "t_duration_seconds_sum{a=\"y\"} 0\n"
                       "t_duration_seconds_count{a=\"y\"} 0\n");
    check(ENCODE_OPENMETRICS, all, &families[LABELED], &counter,
          "# TYPE t_labeled counter\n"
          "# HELP t_labeled A counter.\n"
          "t_labeled_total{a=\"x\",b=\"y\"} 1\n");
}

static void ends_with_eof(void **state)
{
    static const char *const ends[ENCODE_FORMATS] = {
        [ENCODE_TEXT] = "",
        [ENCODE_OPENMETRICS] = "# EOF\n",
        [ENCODE_OPENMETRICS_0] = "# EOF\n",
        [ENCODE_PROTOBUF] = "",
        [ENCODE_OPENMETRICS_2] = "# EOF\n",
    };

    (void)state;
    for (enum encode_format format = 0; format < ENCODE_FORMATS; format++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);

        encode_end(&(struct encoder){.out = &out, .format = format});
        assert_string_equal(out.data, ends[format]);
    }
}

#define EXEMPLARS                                         \
    " # {run_id=\"0123456789abcdef\"} 0.375 1761213046.5" \
    " # {run_id=\"fedcba9876543210\"} 600 1761213048\n"

static void version_2_has_a_histogram_in_a_line(void **state)
{
    CLEANUP(histogram_deinit) struct histogram histogram;
    struct histogram classic = HISTOGRAM_INIT(bounds);
    const struct sample sample = {.label_values = values, .histogram = &histogram},
                        plain = {.label_values = values, .histogram = &classic};

    (void)state;
    observe(&histogram);
    check(ENCODE_OPENMETRICS_2, all, &families[DURATION], &sample,
          HEAD "t_duration_seconds{a=\"x\"} {count:3,sum:600.625,schema:3,"
               "zero_threshold:2.938735877055719e-39,zero_count:0,positive_spans:[-16:1,4:1,84:1],"
               "positive_buckets:[1,1,1],bucket:[0.5:2,30.0:2,+Inf:3]} st@1761213045.5" EXEMPLARS);
    check(ENCODE_OPENMETRICS_2, none, &families[DURATION], &sample,
          HEAD "t_duration_seconds{a=\"x\"} {count:3,sum:600.625,bucket:[0.5:2,30.0:2,+Inf:3]} "
               "st@1761213045.5" EXEMPLARS);
    check(ENCODE_OPENMETRICS_2, all, &families[DURATION], &plain,
          HEAD "t_duration_seconds{a=\"x\"} {count:0,sum:0,bucket:[0.5:0,30.0:0,+Inf:0]}\n");
}

static void version_2_calls_a_family_like_its_samples(void **state)
{
    static const struct metric_family cpu = {METRIC_COUNTER, "t_cpu_seconds_total", "Help."};
    CLEANUP(histogram_deinit) struct histogram histogram;
    const struct sample sample = {.label_values = values, .value = 1},
                        empty = {.label_values = values, .histogram = &histogram};

    (void)state;
    histogram_init(&histogram, bounds, 2, START);
    check(ENCODE_OPENMETRICS_2, all, &cpu, &sample,
          "# TYPE t_cpu_seconds_total counter\n"
          "# UNIT t_cpu_seconds_total seconds\n"
          "# HELP t_cpu_seconds_total Help.\n"
          "t_cpu_seconds_total 1\n");
    check(ENCODE_OPENMETRICS_2, all, &families[INFO], &sample,
          "# TYPE t_info info\n"
          "# HELP t_info An info.\n"
          "t_info{a=\"x\"} 1\n");
    check(ENCODE_OPENMETRICS_2, all, &families[DURATION], &empty,
          HEAD "t_duration_seconds{a=\"x\"} {count:0,sum:0,schema:3,"
               "zero_threshold:2.938735877055719e-39,zero_count:0,"
               "bucket:[0.5:0,30.0:0,+Inf:0]} st@1761213045.5\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(family_names_omit_the_suffix),
        cmocka_unit_test(escapes_quotes_in_help),
        cmocka_unit_test(writes_the_unit_if_the_name_ends_in_it),
        cmocka_unit_test(writes_exemplars_after_buckets),
        cmocka_unit_test(escapes_run_ids),
        cmocka_unit_test(writes_created_lines_on_request),
        cmocka_unit_test(ends_with_eof),
        cmocka_unit_test(version_2_has_a_histogram_in_a_line),
        cmocka_unit_test(version_2_calls_a_family_like_its_samples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
