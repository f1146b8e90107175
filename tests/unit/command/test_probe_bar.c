/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line of a run. */
#include "command/terminal/probe_bar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MIB UINT64_C(1048576)

static void assert_drawn(const struct probe_bar *bar, size_t width, const char *want)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1024);

    probe_bar_draw(bar, width, &out);
    assert_string_equal(out.data, want);
    assert_true(out.size <= width);
}

static void drops_pieces_that_do_not_fit(void **state)
{
    static const struct probe_bar bar = {"hub", "fetch", 5 * MIB, 10 * MIB, 3.25, 2.0 * 1048576};

    (void)state;
    assert_drawn(&bar, 79,
                 "hub  fetch  [==========>          ]   50%  5.0 MiB / 10.0 MiB  2.0 MiB/s  3.2 s");
    assert_drawn(&bar, 50, "hub  fetch   50%  5.0 MiB / 10.0 MiB  3.2 s");
    assert_drawn(&bar, 20, "hub  fetch  3.2 s");
    assert_drawn(&bar, 12, "hub  fetch");
    assert_drawn(&bar, 2, "hu");
}

static void shows_a_run_without_size_and_phase(void **state)
{
    static const struct probe_bar none = {"hub", NULL, 0, 0, 0, 0};
    static const struct probe_bar some = {"hub", "fetch", 2 * MIB, 0, 1, 0};

    (void)state;
    assert_drawn(&none, 79, "hub  starting  0.0 s");
    assert_drawn(&some, 79, "hub  fetch  2.0 MiB  1.0 s");
}

static void gauge_stops_at_100_percent(void **state)
{
    static const struct probe_bar bar = {"a", "b", 30 * MIB, 10 * MIB, 1, 0};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1024);

    (void)state;
    probe_bar_draw(&bar, 79, &out);
    assert_non_null(strstr(out.data, "=]  100%"));
    for (size_t width = 1; width < 500; width++) {
        probe_bar_draw(&bar, width, &out);
        assert_true(out.size <= width);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drops_pieces_that_do_not_fit),
        cmocka_unit_test(shows_a_run_without_size_and_phase),
        cmocka_unit_test(gauge_stops_at_100_percent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
