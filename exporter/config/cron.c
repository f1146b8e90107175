/* SPDX-License-Identifier: Apache-2.0 */
/* Days are walked as a calendar counts them; only then the time zone says when that is. */
#include "config/cron.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#define MINUTES_OF_DAY (24 * 60)
#define DAY_SECONDS    86400
#define ALL_HOURS      ((UINT32_C(1) << 24) - 1)
#define CYCLE_DAYS     146097 /* 400 years: then the calendar repeats, weekdays and all */
#define LINE_BYTES     256    /* of a whole line */

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
    unsigned least, most;
    const char *const *names; /* of the values from `least` on */
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

/* ---- reading ---- */

static bool refuse(const struct field *field, const char *text, struct error *err)
{
    return error_set(err, ERROR_INVALID, "%s: \"%s\" is not a value, range or step from %u to %u",
                     field->name, text, field->least, field->most);
}

static bool parse_value(const struct field *field, const char *text, unsigned *value,
                        struct error *err)
{
    uint64_t number;
    struct error ignored;

    for (unsigned i = 0; field->names && field->names[i]; i++)
        if (strcasecmp(field->names[i], text) == 0) {
            *value = field->least + i;
            return true;
        }
    if (!text_uint(text, &number, &ignored))
        return refuse(field, text, err);
    if (number < field->least || number > field->most)
        return error_set(err, ERROR_INVALID, "%s: %s is not from %u to %u", field->name, text,
                         field->least, field->most);
    *value = (unsigned)number;
    return true;
}

/* "*", "a" or "a-b"; a step makes "a" mean "from a on". */
static bool parse_range(const struct field *field, char *text, bool stepped, unsigned *first,
                        unsigned *last, struct error *err)
{
    char *dash = strchr(text, '-');

    *first = field->least;
    *last = field->most;
    if (strcmp(text, "*") == 0)
        return true;
    if (dash)
        *dash++ = '\0';
    if (!parse_value(field, text, first, err) || (dash && !parse_value(field, dash, last, err)))
        return false;
    if (!dash && !stepped)
        *last = *first;
    return *first <= *last || error_set(err, ERROR_INVALID, "%s: the range %s-%s runs backwards",
                                        field->name, text, dash);
}

static bool parse_item(const struct field *field, char *text, uint64_t *bits, struct error *err)
{
    char *slash = strchr(text, '/');
    unsigned first, last;
    uint64_t step = 1;
    struct error ignored;

    if (slash)
        *slash++ = '\0';
    if (slash && (!text_uint(slash, &step, &ignored) || step == 0 || step > field->most))
        return error_set(err, ERROR_INVALID, "%s: \"%s\" is not a step from 1 to %u", field->name,
                         slash, field->most);
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

/* Cuts `line` at its blanks. */
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
                     "%zu field%s; there are five: minute, hour, day of month, month, day of week",
                     n, n == 1 ? "" : "s");
}

static const char *expand(const char *text)
{
    for (size_t i = 0; i < sizeof(shorthands) / sizeof(shorthands[0]); i++)
        if (strcmp(shorthands[i].name, text) == 0)
            return shorthands[i].line;
    return text;
}

/* ---- the calendar ---- */

struct date {
    int year;
    unsigned month, day, weekday;
};

/* Years begin in March here, so that the leap day is the last. */
static struct date date_of(int64_t days_since_1970)
{
    int64_t day = days_since_1970 + 719468; /* since 0000-03-01 */
    int64_t era = (day >= 0 ? day : day - CYCLE_DAYS + 1) / CYCLE_DAYS;
    unsigned of_era = (unsigned)(day - era * CYCLE_DAYS);
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153;

    return (struct date){
        .year = (int)(year + era * 400 + (month >= 10)),
        .month = month < 10 ? month + 3 : month - 9,
        .day = of_year - (153 * month + 2) / 5 + 1,
        .weekday = (unsigned)(((days_since_1970 + 4) % 7 + 7) % 7),
    };
}

static bool has(uint64_t bits, unsigned value)
{
    return bits >> value & 1;
}

static bool day_fits(const struct cron *cron, int64_t day)
{
    struct date date = date_of(day);
    bool by_day = has(cron->days, date.day), by_weekday = has(cron->weekdays, date.weekday);

    if (!has(cron->months, date.month))
        return false;
    return cron->any_day || cron->any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

static bool minute_fits(const struct cron *cron, unsigned minute)
{
    return has(cron->hours, minute / 60) && has(cron->minutes, minute % 60);
}

/* The first day from `day` on; -1: none, ever. */
static int64_t find_day(const struct cron *cron, int64_t day)
{
    for (int64_t end = day + CYCLE_DAYS; day < end; day++)
        if (day_fits(cron, day))
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
                         "\"%s\" is not one of @every, @hourly, @daily, @midnight, @weekly, "
                         "@monthly, @yearly, @annually",
                         source);
    if (strlen(source) >= sizeof(line))
        return error_set(err, ERROR_INVALID, "more than %zu bytes", sizeof(line) - 1);
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
    cron->weekdays = (uint32_t)(bits[WEEKDAY] | bits[WEEKDAY] >> 7); /* both Sundays */
    return find_day(cron, 0) >= 0 ||
           error_set(err, ERROR_INVALID, "\"%s\" never comes: no such month has that day", text);
}

/* ---- the clock ---- */

static struct tm local_time(int64_t at)
{
    time_t seconds = (time_t)at;
    struct tm local = {0};

    localtime_r(&seconds, &local);
    return local;
}

/* What a clock on the wall shows at `at`, as if it were UTC. */
static int64_t shown_at(int64_t at)
{
    return at + local_time(at).tm_gmtoff;
}

/* When a clock on the wall first shows `shown`, or, where it never does because it is put forward
 * past it, when that happens. */
static int64_t when_shown(int64_t shown)
{
    int64_t before = shown - local_time(shown - DAY_SECONDS).tm_gmtoff;
    int64_t after = shown - local_time(shown + DAY_SECONDS).tm_gmtoff;

    if (shown_at(before) == shown)
        return before;
    if (shown_at(after) == shown)
        return after;
    while (after + 1 < before) { /* the change is between them */
        int64_t middle = after + (before - after) / 2;

        if (shown_at(middle) < shown)
            after = middle;
        else
            before = middle;
    }
    return before;
}

/* For a line of every hour: follows the clock itself, through hours that come twice. 0: nothing
 * today. */
static int64_t next_by_minutes(const struct cron *cron, int64_t after)
{
    int64_t at = after - local_time(after).tm_sec;

    for (size_t i = 0; i < MINUTES_OF_DAY; i++) {
        at += 60;
        if (minute_fits(cron, (unsigned)(((shown_at(at) / 60) % MINUTES_OF_DAY))) &&
            day_fits(cron, shown_at(at) / DAY_SECONDS))
            return at;
    }
    return 0;
}

int64_t cron_next(const struct cron *cron, int64_t after)
{
    int64_t day = shown_at(after) / DAY_SECONDS;
    int64_t next = cron->hours == ALL_HOURS ? next_by_minutes(cron, after) : 0;

    if (next > 0)
        return next;
    for (;; day++) {
        day = find_day(cron, day);
        for (unsigned minute = 0; minute < MINUTES_OF_DAY; minute++) {
            if (!minute_fits(cron, minute))
                continue;
            next = when_shown(day * DAY_SECONDS + minute * 60);
            if (next > after)
                return next;
        }
    }
}

int64_t cron_shortest_gap_seconds(const struct cron *cron)
{
    int64_t first = -1, last = -1, shortest = MINUTES_OF_DAY;

    for (unsigned minute = 0; minute < MINUTES_OF_DAY; minute++) {
        if (!minute_fits(cron, minute))
            continue;
        if (last >= 0 && minute - last < shortest)
            shortest = minute - last;
        if (first < 0)
            first = minute;
        last = minute;
    }
    if (first + MINUTES_OF_DAY - last < shortest) /* over midnight */
        shortest = first + MINUTES_OF_DAY - last;
    return shortest * 60;
}
