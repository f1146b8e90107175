/* SPDX-License-Identifier: Apache-2.0 */
/* Durations that Go accepts and rejects. */
#include "encoding/go_duration.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void accepts_what_go_accepts(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
    } rows[] = {
        {"0", 0},
        {"+0", 0},
        {"3s", 3 * NS_PER_SECOND},
        {"1.5s", 1500 * NS_PER_MS},
        {".5s", 500 * NS_PER_MS},
        {"5.s", 5 * NS_PER_SECOND},
        {"1h2m3s", 3723 * NS_PER_SECOND},
        {"2m1h", 3720 * NS_PER_SECOND},
        {"10ms", 10 * NS_PER_MS},
        {"7us", 7000},
        {"7\xc2\xb5s", 7000},
        {"7\xce\xbcs", 7000},
        {"12ns", 12},
        {"0.1ns", 0},
        {"-1s", -NS_PER_SECOND},
        {"+1s", NS_PER_SECOND},
    };
    struct error err;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ns = 77;
        assert_true(go_duration_ns(rows[i].text, &ns, &err));
        assert_int_equal(ns, rows[i].ns);
    }
}

static void rejects_what_go_rejects(void **state)
{
    static const char *const rows[] = {"",     "-",       "3",    "s",
                                       ".s",   "1d",      " 1s",  "1 s",
                                       "1s ",  "1.2.3s",  "--1s", "9223372036854775808ns",
                                       "1e3s", "3000000h"};
    struct error err;
    int64_t ns;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_false(go_duration_ns(rows[i], &ns, &err));
        assert_int_equal(err.code, ERROR_INVALID);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_go_accepts),
        cmocka_unit_test(rejects_what_go_rejects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
