/* SPDX-License-Identifier: Apache-2.0 */
/* Times as containerd writes them into labels, and texts that are almost such times. */
#include "encoding/rfc3339.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

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
        {"2026-11-20T19:18:19-23:59", 1795288639},
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

static void refuses_invalid_times(void **state)
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
            fail_msg("accepts \"%s\"", rows[i]);
        assert_int_equal(err.code, ERROR_INVALID);
        assert_true(err.message[0] != '\0');
        assert_int_equal(seconds, 42);
    }
}

/* The first and the last day of each month that exist, and those before and after, which do not. */
static void knows_the_length_of_each_month(void **state)
{
    static const int years[] = {1900, 2000, 2023, 2024},
                     days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    (void)state;
    for (size_t i = 0; i < 12 * sizeof(years) / sizeof(years[0]); i++) {
        int year = years[i / 12], month = (int)(i % 12) + 1;
        int last = days[month - 1] + (month == 2 && (year == 2000 || year == 2024));

        for (int day = 0; day <= 32; day++) {
            char text[64];
            int64_t seconds;
            struct error err;

            snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z", year, month, day);
            assert_int_equal(rfc3339_parse(text, &seconds, &err), day >= 1 && day <= last);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_times),
        cmocka_unit_test(refuses_invalid_times),
        cmocka_unit_test(knows_the_length_of_each_month),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
