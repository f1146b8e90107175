/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers have the fewest digits that read back as the same double. */
#include "metrics/number.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RANDOM_NUMBERS 20000

struct row {
    double value;
    const char *want;
};

static void check(char *(*write)(char *out, double value), const struct row *row)
{
    char text[NUMBER_BYTES + 1];
    char *end = write(text, row->value);

    assert_in_range(end - text, 1, NUMBER_BYTES);
    *end = '\0';
    assert_string_equal(text, row->want);
    if (!isnan(row->value))
        assert_true(strtod(text, NULL) == row->value);
}

static void writes_values(void **state)
{
    static const struct row rows[] = {
        {0, "0"},
        {-0.0, "0"},
        {7, "7"},
        {-1, "-1"},
        {10, "10"},
        {1000000, "1000000"},
        {9007199254740991, "9007199254740991"}, /* 2^53 - 1 */
        {-9007199254740991, "-9007199254740991"},
        {9007199254740992, "9007199254740992"},
        {18446744073709551615.0, "1.8446744073709552e+19"},
        {1e17, "1e+17"},
        {-1e21, "-1e+21"},
        {1e300, "1e+300"},
        {0x1.fffffffffffffp1023, "1.7976931348623157e+308"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {-2.5, "-2.5"},
        {0.25, "0.25"},
        {0.001, "0.001"},
        {0.0001, "0.0001"},
        {0.00012, "0.00012"},
        {1e-5, "1e-05"},
        {1.25e-7, "1.25e-07"},
        {9.5367431640625e-07, "9.5367431640625e-07"},
        {1761213045.123, "1761213045.123"},
        {1761213045.123456, "1761213045.123456"},
        {4503599627370495.5, "4503599627370495.5"},
        {2251799813685247.75, "2251799813685247.8"},
        {0.99999999999999989, "0.9999999999999999"},
        {9.9999999999999982, "9.999999999999998"},
        {1.0000000000000002, "1.0000000000000002"},
        {0x1p89, "6.189700196426902e+26"}, /* a power of two: its lower neighbour is nearer */
        {99999999999999984.0, "9.999999999999998e+16"},
        {36028797018963971.0, "3.602879701896397e+16"}, /* 16 digits are enough for 17 places */
        {12345678901234568.0, "12345678901234568"},
        {9007199254741000.0, "9.007199254741e+15"},
        {9999999999999998.0, "9999999999999998"},
        {1e16, "1e+16"},
        {10000000000000002.0, "10000000000000002"},
        {0x1p-40, "9.094947017729282e-13"},
        {1e-14, "1e-14"},
        {9.9e-15, "9.9e-15"},
        {0x1p-128, "2.938735877055719e-39"},
        {0x1p-1022, "2.2250738585072014e-308"},
        {5e-324, "5e-324"},
        {NAN, "NaN"},
        {-NAN, "NaN"},
        {INFINITY, "+Inf"},
        {-INFINITY, "-Inf"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(number_write, &rows[i]);
}

/* The layout is Go's; each number has a point or an exponent. */
static void writes_bounds_as_floats(void **state)
{
    static const struct row rows[] = {
        {0, "0.0"},
        {1, "1.0"},
        {30, "30.0"},
        {1800, "1800.0"},
        {0.005, "0.005"},
        {2.5, "2.5"},
        {604167, "604167.0"},
        {999999, "999999.0"},
        {1e6, "1e+06"},
        {-1e6, "-1e+06"},
        {1234567, "1.234567e+06"},
        {2932656, "2.932656e+06"},
        {0.0001, "0.0001"},
        {0.00009999999999999999, "9.999999999999999e-05"},
        {1e-5, "1e-05"},
        {999999.5, "999999.5"},
        {1e21, "1e+21"},
        {1234567.5, "1.2345675e+06"},
        {123456.5, "123456.5"},
        {-2, "-2.0"},
        {INFINITY, "+Inf"},
        {0x1p60, "1.152921504606847e+18"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(number_write_bound, &rows[i]);
}

static void writes_counts(void **state)
{
    static const uint64_t rows[] = {0, 9, 10, 99, 100, 12345678901, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[NUMBER_BYTES + 1], want[NUMBER_BYTES + 1];

        *number_write_uint(text, rows[i]) = '\0';
        snprintf(want, sizeof(want), "%llu", (unsigned long long)rows[i]);
        assert_string_equal(text, want);
    }
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Durations, timestamps, fractions, any bits. */
static double some_number(uint64_t *state, int kind)
{
    uint64_t bits = next_random(state);
    double value;

    switch (kind % 4) {
    case 0:
        return (double)(bits % 1000000000000) / 1e9;
    case 1:
        return 1.7e9 + (double)(bits % 1000000000) / 1e6;
    case 2:
        return ldexp((double)(bits >> 11), -(int)(bits % 100));
    default:
        memcpy(&value, &bits, sizeof(value));
        return isnan(value) ? 0 : value;
    }
}

static size_t fewest_digits(double value)
{
    char text[64];

    for (int digits = 1;; digits++) {
        snprintf(text, sizeof(text), "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value)
            return (size_t)digits;
    }
}

/* Without the zeros at either end. */
static size_t count_digits(const char *text)
{
    size_t n = 0, zeros = 0;

    for (; *text && *text != 'e'; text++)
        if (*text > '0' && *text <= '9') {
            n += zeros + 1;
            zeros = 0;
        } else if (*text == '0' && n > 0) {
            zeros++;
        }
    return n;
}

static void reads_back_as_the_same_number(void **state)
{
    uint64_t seed = 88172645463325252;

    (void)state;
    for (int i = 0; i < RANDOM_NUMBERS; i++) {
        double value = some_number(&seed, i);
        char text[NUMBER_BYTES + 1];

        *number_write(text, value) = '\0';
        if (isfinite(value)) {
            assert_true(strtod(text, NULL) == value);
            assert_true(count_digits(text) <= fewest_digits(value) ||
                        (value == trunc(value) && fabs(value) < 0x1p53));
        }
        *number_write_bound(text, value) = '\0';
        assert_true(strtod(text, NULL) == value);
        assert_non_null(strpbrk(text, ".eI"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_values),
        cmocka_unit_test(writes_bounds_as_floats),
        cmocka_unit_test(writes_counts),
        cmocka_unit_test(reads_back_as_the_same_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
