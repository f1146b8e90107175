/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/number.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHOLE_MAX          0x1p53 /* below, every whole number is a double */
#define EXACT_MIN          1e-14  /* from here on shortest() gets along with 128 bits */
#define MANTISSA_BITS      52
#define DIGITS_MAX         17 /* that a double can need */
#define BOUND_PLAIN_MAX    1e6
#define BOUND_PLAIN_DIGITS 6

__extension__ typedef unsigned __int128 uint128;

/* 5^n for every n that 64 bits can hold. */
static const uint64_t fives[] = {UINT64_C(1),
                                 UINT64_C(5),
                                 UINT64_C(25),
                                 UINT64_C(125),
                                 UINT64_C(625),
                                 UINT64_C(3125),
                                 UINT64_C(15625),
                                 UINT64_C(78125),
                                 UINT64_C(390625),
                                 UINT64_C(1953125),
                                 UINT64_C(9765625),
                                 UINT64_C(48828125),
                                 UINT64_C(244140625),
                                 UINT64_C(1220703125),
                                 UINT64_C(6103515625),
                                 UINT64_C(30517578125),
                                 UINT64_C(152587890625),
                                 UINT64_C(762939453125),
                                 UINT64_C(3814697265625),
                                 UINT64_C(19073486328125),
                                 UINT64_C(95367431640625),
                                 UINT64_C(476837158203125),
                                 UINT64_C(2384185791015625),
                                 UINT64_C(11920928955078125),
                                 UINT64_C(59604644775390625),
                                 UINT64_C(298023223876953125),
                                 UINT64_C(1490116119384765625),
                                 UINT64_C(7450580596923828125)};
#define FIVES_MAX ((int)(sizeof(fives) / sizeof(fives[0])) - 1)

/* 0.digits * 10^point; the last digit is not 0. */
struct decimal {
    char digits[24];
    int n, point;
};

char *number_write_uint(char *out, uint64_t value)
{
    char digits[20];
    size_t n = sizeof(digits);

    if (value < 10) {
        *out = (char)('0' + value);
        return out + 1;
    }
    do
        digits[--n] = (char)('0' + value % 10);
    while (value /= 10);
    memcpy(out, digits + n, sizeof(digits) - n);
    return out + (sizeof(digits) - n);
}

/* The whole number next to x / 2^shift / step; of two, the even one. */
static uint64_t nearest(uint128 x, int shift, uint64_t step)
{
    uint64_t whole = (uint64_t)(x >> shift) / step;
    uint128 twice_rest = (x - (((uint128)whole * step) << shift)) << 1;
    uint128 one = (uint128)step << shift;

    return whole + (twice_rest > one || (twice_rest == one && whole % 2 == 1));
}

/*
 * Every number between the middles towards the neighbours of the double reads back as it. Times
 * 10^k all of them are exact in 128 bits, and between the middles is a whole number of 17 digits:
 * the roundest is the answer.
 *
 *     value = m * 2^e; low, x, high = (4m - 2, 4m, 4m + 2) * 5^k / 2^shift
 */
static void shortest(double value, struct decimal *decimal)
{
    int e, rounds = 0;
    uint64_t m = (uint64_t)ldexp(frexp(value, &e), MANTISSA_BITS + 1);
    int k = DIGITS_MAX - 1 - (((e - 1) * 78913) >> 18); /* log10(2) * 2^18 */
    int shift = MANTISSA_BITS + 3 - e - k;
    uint128 power = fives[k < FIVES_MAX ? k : FIVES_MAX], low, x, high;
    uint64_t step = 1, first, last, number;

    if (k > FIVES_MAX)
        power *= fives[k - FIVES_MAX];
    x = power * m << 2;
    low = x - power * (m == UINT64_C(1) << MANTISSA_BITS ? 1 : 2); /* a power of 2: half as far */
    high = x + power * 2;
    /* The middles themselves are read as the even neighbour. */
    first = (uint64_t)((low + ((uint128)1 << shift) - (m % 2 == 0)) >> shift);
    last = (uint64_t)((high - m % 2) >> shift);
    for (uint64_t below = first - 1, upto = last; upto / 10 > below / 10; rounds++) {
        below /= 10;
        upto /= 10;
        step *= 10;
    }
    number = nearest(x, shift, step);
    number += number * step < first;
    number -= number * step > last;
    decimal->n = (int)(number_write_uint(decimal->digits, number) - decimal->digits);
    decimal->point = decimal->n + rounds - k;
}

/* For those that are rare: larger than any count, smaller than any duration. */
static void shortest_of_any(double value, struct decimal *decimal)
{
    char text[NUMBER_BYTES];
    int n = 0;

    do
        snprintf(text, sizeof(text), "%.*e", n++, value);
    while (n < DIGITS_MAX && strtod(text, NULL) != value);
    decimal->digits[0] = text[0];
    memcpy(decimal->digits + 1, text + 2, (size_t)n - 1);
    decimal->n = n;
    decimal->point = (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
}

static char *write_digits(char *out, const struct decimal *decimal, int from, int to)
{
    memcpy(out, decimal->digits + from, (size_t)(to - from));
    return out + (to - from);
}

static char *write_zeros(char *out, int n)
{
    memset(out, '0', (size_t)n);
    return out + n;
}

static char *write_scientific(char *out, const struct decimal *decimal)
{
    int exponent = decimal->point - 1;

    *out++ = decimal->digits[0];
    if (decimal->n > 1)
        *out++ = '.';
    out = write_digits(out, decimal, 1, decimal->n);
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    if (abs(exponent) < 10)
        *out++ = '0';
    return number_write_uint(out, (uint64_t)abs(exponent));
}

static char *write_plain(char *out, const struct decimal *decimal)
{
    if (decimal->point <= 0) {
        *out++ = '0';
        *out++ = '.';
        out = write_zeros(out, -decimal->point);
        return write_digits(out, decimal, 0, decimal->n);
    }
    if (decimal->n <= decimal->point) {
        out = write_digits(out, decimal, 0, decimal->n);
        return write_zeros(out, decimal->point - decimal->n);
    }
    out = write_digits(out, decimal, 0, decimal->point);
    *out++ = '.';
    return write_digits(out, decimal, decimal->point, decimal->n);
}

static char *write_special(char *out, double value)
{
    const char *word = isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";

    return stpcpy(out, word);
}

static char *write_sign(char *out, double *value)
{
    if (*value < 0)
        *out++ = '-';
    *value = fabs(*value);
    return out;
}

static bool is_whole(double value)
{
    return value < WHOLE_MAX && value == (double)(uint64_t)value;
}

static void to_decimal(double value, struct decimal *decimal)
{
    if (value >= EXACT_MIN && value < WHOLE_MAX)
        shortest(value, decimal);
    else
        shortest_of_any(value, decimal);
}

char *number_write(char *out, double value)
{
    struct decimal decimal;

    if (!isfinite(value))
        return write_special(out, value);
    out = write_sign(out, &value);
    if (is_whole(value))
        return number_write_uint(out, (uint64_t)value);
    to_decimal(value, &decimal);
    if (decimal.point < -3 || decimal.point > decimal.n)
        return write_scientific(out, &decimal);
    return write_plain(out, &decimal);
}

char *number_write_bound(char *out, double value)
{
    struct decimal decimal;

    if (!isfinite(value))
        return write_special(out, value);
    out = write_sign(out, &value);
    if (is_whole(value) && value < BOUND_PLAIN_MAX) {
        out = number_write_uint(out, (uint64_t)value);
        *out++ = '.';
        *out++ = '0';
        return out;
    }
    to_decimal(value, &decimal);
    if (decimal.point < -3 || decimal.point > BOUND_PLAIN_DIGITS)
        return write_scientific(out, &decimal);
    return write_plain(out, &decimal);
}
