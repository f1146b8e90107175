/* SPDX-License-Identifier: Apache-2.0 */
/* Charts of runs and shares, and their descriptions. */
#include "web/pages/charts.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT_BYTES ((size_t)64 << 10)

static size_t count(const char *text, const char *part)
{
    size_t n = 0;

    while ((text = strstr(text, part))) {
        text++;
        n++;
    }
    return n;
}

static void marks_failures_and_slow_runs(void **state)
{
    static const struct chart_run runs[] = {{2, CHART_SUCCESS},
                                            {1, CHART_FAILURE},
                                            {1, CHART_CANCELED},
                                            {4, CHART_SLOW},
                                            {1, CHART_SUCCESS}};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);

    (void)state;
    chart_runs(&out, runs, 5, 0, 0);
    assert_non_null(strstr(out.data, "<title>5 runs: 1 failed, 1 slow, the longest 4 s"));
    assert_non_null(strstr(out.data, "class=\"g\" d=\"M237 45v-22.0M213 45v-11.0\""));
    assert_non_null(strstr(out.data, "class=\"b\" d=\"M231 45v-11.0\""));
    assert_non_null(strstr(out.data, "class=\"x\" d=\"M229 51m0-2l4 4m0-4l-4 4\""));
    assert_non_null(strstr(out.data, "class=\"s\" d=\"M219 45v-44.0\""));
    assert_non_null(strstr(out.data, "class=\"o\""));
    assert_non_null(strstr(out.data, "class=\"n\""));
    assert_null(strstr(out.data, "class=\"limit\""));
}

static void shows_limits_that_are_near(void **state)
{
    static const struct chart_run runs[] = {{2, CHART_SUCCESS}};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);

    (void)state;
    chart_runs(&out, runs, 1, 4, 60);
    assert_non_null(strstr(out.data, "class=\"limit\" d=\"M0 1.0H240\""));
    assert_non_null(strstr(out.data, "v-22.0"));
    assert_null(strstr(out.data, "class=\"end\""));
    buf_clear(&out);
    chart_runs(&out, runs, 1, 30, 2);
    assert_null(strstr(out.data, "class=\"limit\""));
    assert_non_null(strstr(out.data, "class=\"end\""));
}

static void draws_at_most_the_last_runs(void **state)
{
    struct chart_run runs[CHART_RUNS_MAX + 20];
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);

    (void)state;
    for (size_t i = 0; i < CHART_RUNS_MAX + 20; i++)
        runs[i] = (struct chart_run){i == 3 ? INFINITY : i == 4 ? NAN : -1.0, CHART_SUCCESS};
    chart_runs(&out, runs, CHART_RUNS_MAX + 20, NAN, INFINITY);
    assert_int_equal(count(out.data, "v-"), CHART_RUNS_MAX);
    assert_int_equal(count(out.data, "nan") + count(out.data, "inf"), 0);
    buf_clear(&out);
    chart_runs(&out, runs, 0, 0, 0);
    assert_non_null(strstr(out.data, "<title>0 runs: "));
}

static void shares_never_exceed_the_whole(void **state)
{
    static const struct chart_part parts[] = {
        {"a<b", "c0", 1}, {"none", "c1", 0}, {"half", "c2", 2}, {"too much", "c3", 99}};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);

    (void)state;
    chart_share(&out, parts, 4, 4, "1 of 4");
    assert_string_equal(
        out.data, "<div class=\"share\" role=\"img\" aria-label=\"1 of 4\"><span class=\"c0\" "
                  "style=\"width:25.00%\" title=\"a&lt;b\"></span><span class=\"c2\" "
                  "style=\"width:50.00%\" title=\"half\"></span><span class=\"c3\" "
                  "style=\"width:100.00%\" title=\"too much\"></span></div>");
    buf_clear(&out);
    chart_share(&out, parts, 4, 0, "nothing");
    assert_null(strstr(out.data, "<span"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_failures_and_slow_runs),
        cmocka_unit_test(shows_limits_that_are_near),
        cmocka_unit_test(draws_at_most_the_last_runs),
        cmocka_unit_test(shares_never_exceed_the_whole),
    };

    return cmocka_run_group_tests_name("drawing", tests, NULL, NULL);
}
