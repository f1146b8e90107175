/* SPDX-License-Identifier: Apache-2.0 */
/* Digits at fixed places, then a fraction of any length, then Z or an offset. */
#include "encoding/rfc3339.h"

#include <stddef.h>

#define SECONDS_PER_DAY INT64_C(86400)
#define DAYS_TO_1970    INT64_C(719528) /* from 0000-01-01 */

struct date {
    int year, month, day;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads exactly n digits, and the character after them unless that is NUL. */
static bool field(const char **at, size_t n, char after, int *value)
{
    *value = 0;
    for (size_t i = 0; i < n; i++, (*at)++) {
        if (!is_digit(**at))
            return false;
        *value = *value * 10 + (**at - '0');
    }
    if (after == '\0')
        return true;
    return *(*at)++ == after;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static const int days_before[13] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

static bool is_date(const struct date *date)
{
    int leap = date->month == 2 && is_leap(date->year);

    return date->month >= 1 && date->month <= 12 && date->day >= 1 &&
           date->day <= days_before[date->month] - days_before[date->month - 1] + leap;
}

static int64_t days_since_1970(const struct date *date)
{
    int64_t y = date->year;
    int64_t leap_days = y == 0 ? 0 : (y - 1) / 4 - (y - 1) / 100 + (y - 1) / 400 + 1;

    return y * 365 + leap_days + days_before[date->month - 1] +
           (date->month > 2 && is_leap(date->year)) + date->day - 1 - DAYS_TO_1970;
}

static bool fraction(const char **at)
{
    if (**at != '.')
        return true;
    if (!is_digit(*++*at))
        return false;
    while (is_digit(**at))
        ++*at;
    return true;
}

/* "Z", "+02:00": how far the clock is ahead of UTC. */
static bool offset(const char **at, int64_t *seconds)
{
    int hours, minutes, sign = **at == '-' ? -1 : 1;

    *seconds = 0;
    if (**at == 'Z') {
        ++*at;
        return true;
    }
    if (**at != '+' && **at != '-')
        return false;
    ++*at;
    if (!field(at, 2, ':', &hours) || !field(at, 2, '\0', &minutes) || hours > 23 || minutes > 59)
        return false;
    *seconds = sign * (hours * INT64_C(3600) + minutes * INT64_C(60));
    return true;
}

bool rfc3339_parse(const char *text, int64_t *unix_seconds, struct error *err)
{
    struct date date;
    int hour, minute, second;
    int64_t ahead;

    if (!field(&text, 4, '-', &date.year) || !field(&text, 2, '-', &date.month) ||
        !field(&text, 2, 'T', &date.day) || !field(&text, 2, ':', &hour) ||
        !field(&text, 2, ':', &minute) || !field(&text, 2, '\0', &second) || !fraction(&text) ||
        !offset(&text, &ahead) || *text != '\0')
        return error_set(err, ERROR_INVALID, "no time as RFC 3339 writes it");
    if (!is_date(&date) || hour > 23 || minute > 59 || second > 59)
        return error_set(err, ERROR_INVALID, "no such time");
    *unix_seconds = days_since_1970(&date) * SECONDS_PER_DAY + hour * INT64_C(3600) +
                    minute * INT64_C(60) + second - ahead;
    return true;
}
