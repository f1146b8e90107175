/* SPDX-License-Identifier: Apache-2.0 */
#include "encoding/go_duration.h"

#include "base/clock.h"

#include <string.h>

struct unit {
    const char *name;
    int64_t ns;
};

/* The first matching row wins, so "ms" must precede "m". */
static const struct unit units[] = {
    {"ns", 1},
    {"us", 1000},
    {"\xc2\xb5s", 1000}, /* micro sign */
    {"\xce\xbcs", 1000}, /* Greek mu */
    {"ms", NS_PER_MS},
    {"s", NS_PER_SECOND},
    {"m", 60 * NS_PER_SECOND},
    {"h", 3600 * NS_PER_SECOND},
};

static const struct unit *find_unit(const char *text)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strncmp(text, units[i].name, strlen(units[i].name)) == 0)
            return &units[i];
    return NULL;
}

/* Digits of a fraction below a nanosecond are ignored. */
static const char *read_number(const char *at, int64_t *whole, double *fraction)
{
    double weight = 0.1;

    *whole = 0;
    *fraction = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(*whole, 10, whole) ||
            __builtin_add_overflow(*whole, *at - '0', whole))
            return NULL;
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9'; at++, weight /= 10)
            *fraction += weight * (*at - '0');
    return at;
}

/* Adds one part such as "15m"; NULL if there is none. */
static const char *read_part(const char *text, int64_t *sum)
{
    const struct unit *unit;
    double fraction;
    int64_t whole;
    const char *at = read_number(text, &whole, &fraction);

    if (!at || at == text + (*text == '.'))
        return NULL;
    unit = find_unit(at);
    if (!unit || __builtin_mul_overflow(whole, unit->ns, &whole) ||
        __builtin_add_overflow(*sum, whole, sum) ||
        __builtin_add_overflow(*sum, (int64_t)(fraction * (double)unit->ns + 1e-3), sum))
        return NULL;
    return at + strlen(unit->name);
}

bool go_duration_ns(const char *text, int64_t *ns, struct error *err)
{
    const char *at = text + (*text == '-' || *text == '+');
    int64_t sum = 0;

    if (strcmp(at, "0") == 0) {
        *ns = 0;
        return true;
    }
    if (!*at)
        at = NULL;
    while (at && *at)
        at = read_part(at, &sum);
    if (!at)
        return error_set(err, ERROR_INVALID, "not a duration such as 1.5s");
    *ns = *text == '-' ? -sum : sum;
    return true;
}
