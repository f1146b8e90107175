/* SPDX-License-Identifier: Apache-2.0 */
/* Times as containerd writes them into labels, and what only looks like one. */
#include "encoding/rfc3339.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void reads_times(void **state)
{
    static const struct {
        const char *text;
        int64_t want;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59Z", -1},
        {"2026-11-21T19:17:19Z", 1795288639},
        {"2026-11-21T19:17:19.5Z", 1795288639},
        {"2026-11-21T19:17:19.123456789Z", 1795288639},
        {"2026-11-21T21:17:19+02:00", 1795288639},
        {"2026-11-21T13:47:19-05:30", 1795288639},
        {"2026-11-22T19:16:19+23:59", 1795288639},
        {"2026-11-21T19:17:19-00:00", 1795288639},
        {"2000-02-29T12:00:00Z", 951825600},
        {"2000-03-01T00:00:00Z", 951868800},
        {"2038-01-19T03:14:08Z", INT64_C(1) << 31},
        {"0001-01-01T00:00:00Z", INT64_C(-62135596800)},
        {"0000-01-01T00:00:00Z", INT64_C(-62167219200)},
        {"9999-12-31T23:59:59Z", INT64_C(253402300799)},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t seconds = 42;
        struct error err;

        if (!rfc3339_parse(rows[i].text, &seconds, &err))
            fail_msg("%s: %s", rows[i].text, err.message);
        assert_int_equal(seconds, rows[i].want);
    }
}

static void refuses_what_is_no_time(void **state)
{
    static const char *const rows[] = {
        "",
        "never",
        "2026-11-21",
        "2026-11-21T19:17:19",
        "2026-11-21T19:17Z",
        "2026-11-21 19:17:19Z",
        "2026-11-21t19:17:19Z",
        "2026-11-21T19:17:19z",
        " 2026-11-21T19:17:19Z",
        "2026-11-21T19:17:19Z ",
        "2026-11-21T19:17:19ZZ",
        "2026-11-21T19:17:19.Z",
        "2026-11-21T19:17:19.5",
        "2026-11-21T19:17:19+0200",
        "2026-11-21T19:17:19+02:0",
        "2026-11-21T19:17:19+24:00",
        "2026-11-21T19:17:19+00:60",
        "2026-11-21T24:00:00Z",
        "2026-11-21T19:60:00Z",
        "2026-12-31T23:59:60Z",
        "2026-00-21T19:17:19Z",
        "2026-13-21T19:17:19Z",
        "2026-11-00T19:17:19Z",
        "2026-11-31T19:17:19Z",
        "2026-02-29T19:17:19Z",
        "2100-02-29T19:17:19Z",
        "12026-11-21T19:17:19Z",
        "-026-11-21T19:17:19Z",
        "2026-11-2",
        "\xff\xff\xff\xff-11-21T19:17:19Z",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t seconds = 42;
        struct error err = {0};

        if (rfc3339_parse(rows[i], &seconds, &err))
            fail_msg("\"%s\" is no time", rows[i]);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_int_equal(seconds, 42);
    }
}

/* Every day of four centuries, against the C library. */
static void agrees_with_the_calendar_of_the_system(void **state)
{
    const int64_t first = INT64_C(-62167219200) / 86400, last = first + 400 * 366;

    (void)state;
    for (int64_t day = first; day < last; day++) {
        time_t at = (time_t)(day * 86400);
        char text[64];
        int64_t seconds;
        struct error err;
        struct tm utc;

        gmtime_r(&at, &utc);
        snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z", utc.tm_year + 1900, utc.tm_mon + 1,
                 utc.tm_mday);
        assert_true(rfc3339_parse(text, &seconds, &err));
        assert_int_equal(seconds, at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_times),
        cmocka_unit_test(refuses_what_is_no_time),
        cmocka_unit_test(agrees_with_the_calendar_of_the_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
