/* SPDX-License-Identifier: Apache-2.0 */
/* Finds matching days by the calendar first, then converts their local times with the time zone. */
#include "config/cron.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#define MINUTES_OF_DAY (24 * 60)
#define DAY_SECONDS    86400
#define ALL_HOURS      ((UINT32_C(1) << 24) - 1)
#define CYCLE_DAYS     146097 /* 400 years: the Gregorian calendar repeats, with its weekdays */
#define LINE_BYTES     256

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                          "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

enum {
    MINUTE,
    HOUR,
    DAY,
    MONTH,
    WEEKDAY,
    FIELDS,
};

static const struct field {
    const char *name;
    unsigned min, max;
    const char *const *names; /* of the values from `min` on; ends with NULL */
} fields[FIELDS] = {
    [MINUTE] = {"minute", 0, 59, NULL},
    [HOUR] = {"hour", 0, 23, NULL},
    [DAY] = {"day of month", 1, 31, NULL},
    [MONTH] = {"month", 1, 12, month_names},
    [WEEKDAY] = {"day of week", 0, 7, weekday_names},
};

static const struct {
    const char *name, *line;
} shorthands[] = {
    {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

/* ---- parsing ---- */

static bool parse_value(const struct field *field, const char *text, unsigned *value,
                        struct error *err)
{
    uint64_t number;

    for (unsigned i = 0; field->names && field->names[i]; i++)
        if (strcasecmp(field->names[i], text) == 0) {
            *value = field->min + i;
            return true;
        }
    if (!text_uint(text, &number, err) || number < field->min || number > field->max)
        return error_set(err, ERROR_INVALID,
                         "invalid %s \"%s\": expected a value, range or step from %u to %u",
                         field->name, text, field->min, field->max);
    *value = (unsigned)number;
    return true;
}

/* Parses "*", "a" or "a-b". With a step, "a" means "a to the maximum". */
static bool parse_range(const struct field *field, char *text, bool stepped, unsigned *first,
                        unsigned *last, struct error *err)
{
    char *dash = strchr(text, '-');

    *first = field->min;
    *last = field->max;
    if (strcmp(text, "*") == 0)
        return true;
    if (dash)
        *dash++ = '\0';
    if (!parse_value(field, text, first, err) || (dash && !parse_value(field, dash, last, err)))
        return false;
    if (!dash && !stepped)
        *last = *first;
    return *first <= *last ||
           error_set(err, ERROR_INVALID,
                     "invalid %s range \"%s-%s\": expected the lower value first", field->name,
                     text, dash);
}

static bool parse_item(const struct field *field, char *text, uint64_t *bits, struct error *err)
{
    char *slash = strchr(text, '/');
    unsigned first, last;
    uint64_t step = 1;

    if (slash)
        *slash++ = '\0';
    if (slash && (!text_uint(slash, &step, err) || step == 0 || step > field->max))
        return error_set(err, ERROR_INVALID, "invalid %s step \"%s\": expected 1 to %u",
                         field->name, slash, field->max);
    if (!parse_range(field, text, slash != NULL, &first, &last, err))
        return false;
    for (unsigned value = first; value <= last; value += (unsigned)step)
        *bits |= UINT64_C(1) << value;
    return true;
}

static bool parse_field(const struct field *field, char *text, uint64_t *bits, struct error *err)
{
    *bits = 0;
    for (char *item = text, *next; item; item = next) {
        next = strchr(item, ',');
        if (next)
            *next++ = '\0';
        if (!parse_item(field, item, bits, err))
            return false;
    }
    return true;
}

/* Splits `line` at blanks. */
static bool split(char *line, char *words[FIELDS], struct error *err)
{
    char *rest = line, *word;
    size_t n = 0;

    while ((word = strtok_r(n == 0 ? line : NULL, " \t", &rest))) {
        if (n < FIELDS)
            words[n] = word;
        n++;
    }
    return n == FIELDS ||
           error_set(err, ERROR_INVALID,
                     "found %zu field%s: expected minute, hour, day of month, month, day of week",
                     n, n == 1 ? "" : "s");
}

static const char *expand(const char *text)
{
    for (size_t i = 0; i < sizeof(shorthands) / sizeof(shorthands[0]); i++)
        if (strcmp(shorthands[i].name, text) == 0)
            return shorthands[i].line;
    return text;
}

/* ---- calendar ---- */

static bool has(uint64_t bits, int value)
{
    return bits >> value & 1;
}

/* `day` counts from 1970-01-01. */
static bool day_matches(const struct cron *cron, int64_t day)
{
    time_t midnight = (time_t)(day * DAY_SECONDS);
    struct tm date = {0};
    bool by_day, by_weekday;

    gmtime_r(&midnight, &date);
    by_day = has(cron->days, date.tm_mday);
    by_weekday = has(cron->weekdays, date.tm_wday);
    if (!has(cron->months, date.tm_mon + 1))
        return false;
    return cron->any_day || cron->any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

static bool minute_matches(const struct cron *cron, int minute)
{
    return has(cron->hours, minute / 60) && has(cron->minutes, minute % 60);
}

/* Returns the first matching day from `day` on; -1: no day ever matches. */
static int64_t find_day(const struct cron *cron, int64_t day)
{
    for (int64_t end = day + CYCLE_DAYS; day < end; day++)
        if (day_matches(cron, day))
            return day;
    return -1;
}

bool cron_parse(struct cron *cron, const char *text, struct error *err)
{
    const char *source = expand(text);
    char line[LINE_BYTES], *words[FIELDS];
    uint64_t bits[FIELDS];

    if (*source == '@')
        return error_set(err, ERROR_INVALID,
                         "unknown shorthand \"%s\": expected @every, @hourly, @daily, @midnight, "
                         "@weekly, @monthly, @yearly or @annually",
                         source);
    if (strlen(source) >= sizeof(line))
        return error_set(err, ERROR_INVALID, "too long: expected at most %zu bytes",
                         sizeof(line) - 1);
    memcpy(line, source, strlen(source) + 1);
    if (!split(line, words, err))
        return false;
    *cron = (struct cron){.any_day = *words[DAY] == '*', .any_weekday = *words[WEEKDAY] == '*'};
    for (size_t i = 0; i < FIELDS; i++)
        if (!parse_field(&fields[i], words[i], &bits[i], err))
            return false;
    cron->minutes = bits[MINUTE];
    cron->hours = (uint32_t)bits[HOUR];
    cron->days = (uint32_t)bits[DAY];
    cron->months = (uint32_t)bits[MONTH];
    cron->weekdays = (uint32_t)(bits[WEEKDAY] | bits[WEEKDAY] >> 7); /* 7 is Sunday, like 0 */
    return find_day(cron, 0) >= 0 ||
           error_set(err, ERROR_INVALID, "\"%s\" never matches: expected a day that the month has",
                     text);
}

/* ---- local time ---- */

static struct tm local_time(int64_t at)
{
    time_t seconds = (time_t)at;
    struct tm local = {0};

    localtime_r(&seconds, &local);
    return local;
}

/* Returns local seconds: the local date and time at `at`, counted as if it were UTC. */
static int64_t to_local(int64_t at)
{
    return at + local_time(at).tm_gmtoff;
}

/* Returns the first time whose local time is `local`; if the clock skips it, the time of the skip.
 */
static int64_t from_local(int64_t local)
{
    int64_t before = local - local_time(local - DAY_SECONDS).tm_gmtoff;
    int64_t after = local - local_time(local + DAY_SECONDS).tm_gmtoff;

    if (to_local(before) == local)
        return before;
    if (to_local(after) == local)
        return after;
    while (after + 1 < before) { /* the skip is between them */
        int64_t middle = after + (before - after) / 2;

        if (to_local(middle) < local)
            after = middle;
        else
            before = middle;
    }
    return before;
}

/* For a line of every hour: steps through real minutes, so that repeated hours run twice. Returns 0
 * if nothing matches within a day. */
static int64_t next_by_minutes(const struct cron *cron, int64_t after)
{
    int64_t at = after - local_time(after).tm_sec;

    for (size_t i = 0; i < MINUTES_OF_DAY; i++) {
        at += 60;
        if (minute_matches(cron, (int)(to_local(at) / 60 % MINUTES_OF_DAY)) &&
            day_matches(cron, to_local(at) / DAY_SECONDS))
            return at;
    }
    return 0;
}

int64_t cron_next(const struct cron *cron, int64_t after)
{
    int64_t day = to_local(after) / DAY_SECONDS;
    int64_t next = cron->hours == ALL_HOURS ? next_by_minutes(cron, after) : 0;

    if (next > 0)
        return next;
    for (;; day++) {
        day = find_day(cron, day);
        for (int minute = 0; minute < MINUTES_OF_DAY; minute++) {
            if (!minute_matches(cron, minute))
                continue;
            next = from_local(day * DAY_SECONDS + minute * 60);
            if (next > after)
                return next;
        }
    }
}

int64_t cron_shortest_gap_seconds(const struct cron *cron)
{
    int64_t first = -1, last = -1, shortest = MINUTES_OF_DAY;

    for (int minute = 0; minute < MINUTES_OF_DAY; minute++) {
        if (!minute_matches(cron, minute))
            continue;
        if (last >= 0 && minute - last < shortest)
            shortest = minute - last;
        if (first < 0)
            first = minute;
        last = minute;
    }
    if (first + MINUTES_OF_DAY - last < shortest) /* across midnight */
        shortest = first + MINUTES_OF_DAY - last;
    return shortest * 60;
}
