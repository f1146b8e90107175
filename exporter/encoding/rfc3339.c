/* SPDX-License-Identifier: Apache-2.0 */
/* Digits at fixed positions, then a fraction of any length, then Z or an offset. */
#include "encoding/rfc3339.h"

#include <stddef.h>
#include <time.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads exactly n digits, and the character after them unless that is NUL. */
static bool read_field(const char **at, size_t n, char after, int *value)
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

static bool skip_fraction(const char **at)
{
    if (**at != '.')
        return true;
    if (!is_digit(*++*at))
        return false;
    while (is_digit(**at))
        ++*at;
    return true;
}

/* "Z", "+02:00": the seconds that the clock is ahead of UTC. */
static bool read_offset(const char **at, int64_t *seconds)
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
    if (!read_field(at, 2, ':', &hours) || !read_field(at, 2, '\0', &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    *seconds = sign * (hours * INT64_C(3600) + minutes * INT64_C(60));
    return true;
}

/* False for a date or time of day that does not exist: timegm() changes its fields. */
static bool to_unix_seconds(const struct tm *given, int64_t *seconds)
{
    struct tm time = *given;

    time.tm_year -= 1900;
    time.tm_mon -= 1;
    *seconds = timegm(&time);
    return time.tm_mon + 1 == given->tm_mon && time.tm_mday == given->tm_mday &&
           time.tm_hour == given->tm_hour && time.tm_min == given->tm_min &&
           time.tm_sec == given->tm_sec;
}

bool rfc3339_parse(const char *text, int64_t *unix_seconds, struct error *err)
{
    struct tm given = {0}; /* as written: year 2026, month 1 to 12 */
    int64_t local, ahead;

    if (!read_field(&text, 4, '-', &given.tm_year) || !read_field(&text, 2, '-', &given.tm_mon) ||
        !read_field(&text, 2, 'T', &given.tm_mday) || !read_field(&text, 2, ':', &given.tm_hour) ||
        !read_field(&text, 2, ':', &given.tm_min) || !read_field(&text, 2, '\0', &given.tm_sec) ||
        !skip_fraction(&text) || !read_offset(&text, &ahead) || *text != '\0')
        return error_set(err, ERROR_INVALID, "invalid RFC 3339 time");
    if (!to_unix_seconds(&given, &local))
        return error_set(err, ERROR_INVALID, "no such date or time of day");
    *unix_seconds = local - ahead;
    return true;
}
