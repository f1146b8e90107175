/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/number.h"

#include "metrics/shortest.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define WHOLE_MAX        0x1p53 /* below, every whole number is a double */
#define LARGE_MAX        1e17   /* from here on a double has fewer digits than places */
#define PLAIN_MIN        1e-4
#define BOUND_PLAIN_MAX  1e6
#define SCIENTIFIC_EXTRA 5 /* bytes of "1.5e+16" that are not digits */

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

static char *write_special(char *out, double value)
{
    return stpcpy(out, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
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

/* From 2^53 on a number is plain only if its digits fill all 16 or 17 places. */
static char *write_large(char *out, double value)
{
    char *end = shortest_scientific(out, value);
    ptrdiff_t n_places = value < LARGE_MAX / 10 ? 16 : 17;

    if (value < LARGE_MAX && end - out - SCIENTIFIC_EXTRA == n_places)
        return shortest_plain(out, value);
    return end;
}

char *number_write(char *out, double value)
{
    if (!isfinite(value))
        return write_special(out, value);
    out = write_sign(out, &value);
    if (is_whole(value))
        return number_write_uint(out, (uint64_t)value);
    if (value >= WHOLE_MAX)
        return write_large(out, value);
    return value < PLAIN_MIN ? shortest_scientific(out, value) : shortest_plain(out, value);
}

char *number_write_bound(char *out, double value)
{
    if (!isfinite(value))
        return write_special(out, value);
    out = write_sign(out, &value);
    if (value >= BOUND_PLAIN_MAX || (value < PLAIN_MIN && value > 0))
        return shortest_scientific(out, value);
    if (!is_whole(value))
        return shortest_plain(out, value);
    return stpcpy(number_write_uint(out, (uint64_t)value), ".0");
}
