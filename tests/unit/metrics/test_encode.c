/* SPDX-License-Identifier: Apache-2.0 */
/* The text format, byte by byte. */
#include "support/encode_fixture.h"

#include <math.h>

/* Returns a page; the caller must free() it. */
static char *encoded(const struct snapshot *snapshot, size_t family)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    struct encoder encoder = {.out = &out, .options = {true, true}};
    struct error err;

    encode_one(&encoder, &families[family], snapshot_samples(snapshot, family));
    encode_end(&encoder);
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

/* A snapshot contains no newlines, but the encoder does not rely on that. */
static void escapes_a_new_line(void **state)
{
    const char *const values[] = {"two\nlines", "\\n"};
    const struct sample sample = {.label_values = values, .value = 1};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);

    (void)state;
    encode_samples(&(struct encoder){.out = &out}, &families[LABELED], &sample);
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

static void writes_an_info_with_extra_labels(void **state)
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

/* This format has no exemplars and no native histograms. */
static void omits_exemplars_and_native_buckets(void **state)
{
    static const double bounds[] = {1};
    static const struct metric_family bare = {METRIC_HISTOGRAM, "t_seconds", "Bare."};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    CLEANUP(histogram_deinit) struct histogram histogram;
    struct sample sample = {.histogram = &histogram};

    (void)state;
    histogram_init(&histogram, bounds, 1, START);
    histogram_observe_run(&histogram, 0.5, "0123456789abcdef", START);
    encode_one(&(struct encoder){.out = &out, .options = {true, true}}, &bare, &sample);
    assert_string_equal(out.data, "# HELP t_seconds Bare.\n"
                                  "# TYPE t_seconds histogram\n"
                                  "t_seconds_bucket{le=\"1.0\"} 1\n"
                                  "t_seconds_bucket{le=\"+Inf\"} 1\n"
                                  "t_seconds_sum 0.5\n"
                                  "t_seconds_count 1\n");
}

/* The encoder caches bounds; they must be those of the current histogram. */
static void does_not_mix_up_bounds(void **state)
{
    static const double one[] = {1, 2}, two[] = {3, 4};
    static const char *const values[] = {"x"};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    struct histogram first = HISTOGRAM_INIT(one), second = HISTOGRAM_INIT(two), third = first;
    struct sample samples[] = {
        {.next = &samples[1], .label_values = values, .histogram = &first},
        {.next = &samples[2], .label_values = values, .histogram = &second},
        {.label_values = values, .histogram = &third},
    };

    (void)state;
    third.n_bounds = 1;
    encode_samples(&(struct encoder){.out = &out}, &families[DURATION], samples);
    assert_non_null(
        strstr(out.data, "le=\"1.0\"} 0\nt_duration_seconds_bucket{a=\"x\",le=\"2.0\""));
    assert_non_null(
        strstr(out.data, "le=\"3.0\"} 0\nt_duration_seconds_bucket{a=\"x\",le=\"4.0\""));
    assert_non_null(
        strstr(out.data, "le=\"1.0\"} 0\nt_duration_seconds_bucket{a=\"x\",le=\"+Inf\""));
}

static void omits_families_without_samples(void **state)
{
    (void)state;
    for (enum encode_format format = 0; format < ENCODE_FORMATS; format++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
        struct encoder encoder = {.out = &out, .format = format};
        const struct sample sample = {.value = 1};
        size_t size;

        encode_one(&encoder, &families[PLAIN], &sample);
        size = out.size;
        encode_one(&encoder, &families[LABELED], NULL);
        assert_int_equal(out.size, size);
        assert_int_equal(strlen(out.data + size), 0);
        encode_one(&encoder, &families[PLAIN], &sample);
        assert_int_equal(out.size, 2 * size);
        assert_memory_equal(out.data, out.data + size, size);
    }
}

/* So that callers can cache a family. */
static void does_not_depend_on_other_families(void **state)
{
    static const double bounds[] = {1, 2};
    static const char *const values[] = {"x", "y"};
    struct histogram histogram = HISTOGRAM_INIT(bounds);
    const struct sample value = {.label_values = values, .value = 0.5},
                        observed = {.label_values = values, .histogram = &histogram};

    (void)state;
    for (enum encode_format format = 0; format < ENCODE_FORMATS; format++) {
        CLEANUP(buf_deinit) struct buf page = BUF_INIT(LIMIT_BYTES);
        CLEANUP(buf_deinit) struct buf alone = BUF_INIT(LIMIT_BYTES);
        struct encoder one = {.out = &page, .format = format},
                       other = {.out = &alone, .format = format};
        size_t size;

        encode_one(&one, &families[DURATION], &observed);
        encode_one(&one, &families[LABELED], &value);
        size = page.size;
        encode_one(&one, &families[DURATION], &observed);
        encode_one(&other, &families[DURATION], &observed);
        assert_int_equal(page.size - size, alone.size);
        assert_memory_equal(page.data + size, alone.data, alone.size);
    }
}

static void writes_a_number(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(64);

    (void)state;
    encode_number(&out, 0.25);
    encode_number(&out, INFINITY);
    assert_string_equal(out.data, "0.25+Inf");
}

static void fails_beyond_the_limit_of_the_page(void **state)
{
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(families, LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(100);
    struct error err;

    (void)state;
    for (int i = 0; i < 20; i++)
        snapshot_add(snapshot, PLAIN, i);
    for (enum encode_format format = 0; format < ENCODE_FORMATS; format++) {
        struct encoder encoder = {.out = &out, .format = format};

        buf_clear(&out);
        encode_samples(&encoder, &families[PLAIN], snapshot_samples(snapshot, PLAIN));
        encode_family_end(&encoder, &families[PLAIN]);
        assert_false(buf_ok(&out, &err));
        assert_int_equal(err.code, ERROR_LIMIT);
        assert_in_range(out.size, 0, 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_gauge),
        cmocka_unit_test(escapes_label_values),
        cmocka_unit_test(escapes_a_new_line),
        cmocka_unit_test(writes_a_histogram_cumulatively),
        cmocka_unit_test(writes_an_info_with_extra_labels),
        cmocka_unit_test(omits_exemplars_and_native_buckets),
        cmocka_unit_test(does_not_mix_up_bounds),
        cmocka_unit_test(omits_families_without_samples),
        cmocka_unit_test(does_not_depend_on_other_families),
        cmocka_unit_test(writes_a_number),
        cmocka_unit_test(fails_beyond_the_limit_of_the_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
