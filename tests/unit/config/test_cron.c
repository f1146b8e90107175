/* SPDX-License-Identifier: Apache-2.0 */
/* Cron lines: matching times in several time zones, and messages for invalid lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/cron.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define UTC          "UTC0"
#define BERLIN       "CET-1CEST,M3.5.0,M10.5.0/3"
#define LORD_HOWE    "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"
#define NEW_YORK     "EST5EDT,M3.2.0,M11.1.0"
#define HAVANA       "CST5CDT,M3.2.0/0,M11.1.0/1"

static void use_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

/* "2026-03-29 01:30" in UTC. */
static int64_t utc(const char *text)
{
    struct tm tm = {0};
    int n = sscanf(text, "%d-%d-%d %d:%d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
                   &tm.tm_min, &tm.tm_sec);

    assert_true(n >= 5);
    tm.tm_year -= 1900;
    tm.tm_mon--;
    return timegm(&tm);
}

static const char *show(int64_t at, char room[32])
{
    time_t seconds = at;
    struct tm tm;

    gmtime_r(&seconds, &tm);
    strftime(room, 32, "%Y-%m-%d %H:%M", &tm);
    return room;
}

static struct cron parse(const char *line)
{
    struct cron cron;
    struct error err;

    if (!cron_parse(&cron, line, &err))
        fail_msg("%s: %s", line, err.message);
    return cron;
}

/* Consecutive times, in UTC. */
static const struct {
    const char *zone, *line, *after, *next[5];
} times[] = {
    {UTC, "* * * * *", "2026-01-01 00:00", {"2026-01-01 00:01", "2026-01-01 00:02"}},
    {UTC, "* * * * *", "2026-01-01 00:00:59", {"2026-01-01 00:01"}},
    {UTC, "59 23 31 12 *", "2026-12-31 23:58:59", {"2026-12-31 23:59", "2027-12-31 23:59"}},
    {UTC, "0 0 28-31 2 *", "2027-01-01 00:00", {"2027-02-28 00:00", "2028-02-28 00:00"}},
    {UTC, "0 * 29 2 *", "2100-01-01 00:00", {"2104-02-29 00:00", "2104-02-29 01:00"}},
    {UTC, "*/5 * * * *", "2026-01-01 23:52", {"2026-01-01 23:55", "2026-01-02 00:00"}},
    {UTC,
     "7/20 * * * *",
     "2026-01-01 00:00",
     {"2026-01-01 00:07", "2026-01-01 00:27", "2026-01-01 00:47", "2026-01-01 01:07"}},
    {UTC,
     "1,5-9/2,30 4 * * *",
     "2026-01-01 00:00",
     {"2026-01-01 04:01", "2026-01-01 04:05", "2026-01-01 04:07", "2026-01-01 04:09",
      "2026-01-01 04:30"}},
    {UTC, "0 0 29 2 *", "2026-01-01 00:00", {"2028-02-29 00:00", "2032-02-29 00:00"}},
    {UTC, "0 0 29 2 *", "2096-03-01 00:00", {"2104-02-29 00:00"}},
    {UTC, "0 0 31 * *", "2026-01-31 00:00", {"2026-03-31 00:00", "2026-05-31 00:00"}},
    {UTC, "0 12 * JAN,jul Mon", "2026-01-25 00:00", {"2026-01-26 12:00", "2026-07-06 12:00"}},
    {UTC, "0 12 * * 7", "2026-11-21 00:00", {"2026-11-22 12:00", "2026-11-29 12:00"}},
    {UTC,
     "0 12 * * 5-7",
     "2026-11-19 13:00",
     {"2026-11-20 12:00", "2026-11-21 12:00", "2026-11-22 12:00", "2026-11-27 12:00"}},
    /* Either day field, if neither begins with a star. */
    {UTC,
     "0 0 13 * 5",
     "2026-11-01 00:00",
     {"2026-11-06 00:00", "2026-11-13 00:00", "2026-11-20 00:00", "2026-11-27 00:00",
      "2026-12-04 00:00"}},
    {UTC, "0 0 */2 * 1", "2026-11-01 00:00", {"2026-11-09 00:00", "2026-11-23 00:00"}},
    {UTC, "@hourly", "2026-01-01 00:30", {"2026-01-01 01:00", "2026-01-01 02:00"}},
    {UTC, "@daily", "2026-02-28 00:30", {"2026-03-01 00:00", "2026-03-02 00:00"}},
    {UTC, "@midnight", "2026-02-28 00:30", {"2026-03-01 00:00"}},
    {UTC, "@weekly", "2026-11-21 00:00", {"2026-11-22 00:00", "2026-11-29 00:00"}},
    {UTC, "@monthly", "2026-11-21 00:00", {"2026-12-01 00:00", "2027-01-01 00:00"}},
    {UTC, "@yearly", "2026-11-21 00:00", {"2027-01-01 00:00", "2028-01-01 00:00"}},
    {UTC, "@annually", "2026-11-21 00:00", {"2027-01-01 00:00"}},
    {UTC, "  0\t0  1 1 *  ", "2026-11-21 00:00", {"2027-01-01 00:00"}},
    {NEW_YORK, "30 20 * * 1", "2026-01-05 00:00", {"2026-01-06 01:30", "2026-01-13 01:30"}},
    /* Forward at 01:00 UTC: local 02:30 is skipped and runs at local 03:00. */
    {BERLIN,
     "30 2 * * *",
     "2026-03-27 12:00",
     {"2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"}},
    {BERLIN,
     "0,15,30 2,3 * * *",
     "2026-03-28 12:00",
     {"2026-03-29 01:00", "2026-03-29 01:15", "2026-03-29 01:30", "2026-03-30 00:00"}},
    {BERLIN,
     "30 * * * *",
     "2026-03-28 23:40",
     {"2026-03-29 00:30", "2026-03-29 01:30", "2026-03-29 02:30"}},
    /* Back at 01:00 UTC: local 02:30 occurs at 00:30 and at 01:30 UTC. */
    {BERLIN, "30 2 * * *", "2026-10-24 12:00", {"2026-10-25 00:30", "2026-10-26 01:30"}},
    {BERLIN,
     "0,30 2,3 * * *",
     "2026-10-24 12:00",
     {"2026-10-25 00:00", "2026-10-25 00:30", "2026-10-25 02:00", "2026-10-25 02:30",
      "2026-10-26 01:00"}},
    {BERLIN,
     "*/30 * * * *",
     "2026-10-24 23:45",
     {"2026-10-25 00:00", "2026-10-25 00:30", "2026-10-25 01:00", "2026-10-25 01:30",
      "2026-10-25 02:00"}},
    {LORD_HOWE,
     "15 2 * * *",
     "2026-10-02 16:00",
     {"2026-10-03 15:30", "2026-10-04 15:15"}}, /* forward by half an hour */
    {HAVANA, "0 0 * * *", "2026-03-07 12:00", {"2026-03-08 05:00", "2026-03-09 04:00"}},
    {HAVANA, "0 0 * * *", "2026-10-31 12:00", {"2026-11-01 04:00", "2026-11-02 05:00"}},
};

static void matches_at_the_expected_times(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(times); i++) {
        struct cron cron = parse(times[i].line);
        int64_t at = utc(times[i].after);

        use_zone(times[i].zone);
        for (size_t n = 0; n < COUNT(times[i].next) && times[i].next[n]; n++) {
            char room[32];

            at = cron_next(&cron, at);
            if (at != utc(times[i].next[n]))
                fail_msg("%s, %s: %s instead of %s", times[i].zone, times[i].line, show(at, room),
                         times[i].next[n]);
        }
    }
}

/* Two years of every zone: times only increase, and no day is left out. */
static void only_increases_across_clock_changes(void **state)
{
    static const char *const zones[] = {UTC, BERLIN, LORD_HOWE, NEW_YORK, HAVANA};
    static const char *const lines[] = {"17 */5 * * *", "*/20 1-3 * * *", "0 0,12 * * *",
                                        "59 23 * * *"};

    (void)state;
    for (size_t zone = 0; zone < COUNT(zones); zone++)
        for (size_t line = 0; line < COUNT(lines); line++) {
            struct cron cron = parse(lines[line]);
            int64_t at = utc("2026-01-01 00:00"), end = utc("2028-01-01 00:00"), next;
            size_t n = 0;

            use_zone(zones[zone]);
            for (; at < end; at = next, n++) {
                next = cron_next(&cron, at);
                assert_true(next > at);
                assert_true(next - at <= 26 * 3600);
            }
            assert_in_range(n, 700, 2 * 366 * 9);
        }
    use_zone(UTC);
}

/* Every starting second gives the same result: the first time that is later. */
static void depends_only_on_the_starting_time(void **state)
{
    struct cron cron = parse("*/10 2,3 * * *");
    int64_t start = utc("2026-10-24 22:00"), wanted;

    (void)state;
    use_zone(BERLIN);
    wanted = cron_next(&cron, start);
    for (int64_t at = start; at < start + 8 * 3600; at += 7) {
        if (at >= wanted)
            wanted = cron_next(&cron, wanted);
        assert_int_equal(cron_next(&cron, at), wanted);
    }
    use_zone(UTC);
}

static const struct {
    const char *line, *want;
} invalid[] = {
    {"", "found 0 fields: expected minute, hour, day of month, month, day of week"},
    {"5m", "found 1 field: expected minute, hour"},
    {"* * * *", "found 4 fields: expected minute, hour"},
    {"* * * * * *", "found 6 fields: expected minute, hour"},
    {"60 * * * *", "invalid minute \"60\": expected a value, range or step from 0 to 59"},
    {"-1 * * * *", "invalid minute \"\": expected a value, range or step from 0 to 59"},
    {"1,,2 * * * *", "invalid minute \"\": expected"},
    {"x * * * *", "invalid minute \"x\": expected"},
    {"*5 * * * *", "invalid minute \"*5\": expected"},
    {"3-x * * * *", "invalid minute \"x\": expected"},
    {"* 24 * * *", "invalid hour \"24\": expected a value, range or step from 0 to 23"},
    {"* 5-1 * * *", "invalid hour range \"5-1\": expected the lower value first"},
    {"* * 0 * *", "invalid day of month \"0\": expected a value, range or step from 1 to 31"},
    {"* * 32 * *", "invalid day of month \"32\": expected"},
    {"* * * 0 *", "invalid month \"0\": expected a value, range or step from 1 to 12"},
    {"* * * 13 *", "invalid month \"13\": expected"},
    {"* * * january *", "invalid month \"january\": expected"},
    {"* * * mon *", "invalid month \"mon\": expected"},
    {"* * * * 8", "invalid day of week \"8\": expected a value, range or step from 0 to 7"},
    {"* * * * jan", "invalid day of week \"jan\": expected"},
    {"* * * * sat-sun", "invalid day of week range \"sat-sun\": expected the lower value first"},
    {"*/0 * * * *", "invalid minute step \"0\": expected 1 to 59"},
    {"*/60 * * * *", "invalid minute step \"60\": expected 1 to 59"},
    {"* */24 * * *", "invalid hour step \"24\": expected 1 to 23"},
    {"*/ * * * *", "invalid minute step \"\": expected"},
    {"*/99999999999999999999 * * * *", "invalid minute step \"99999999999999999999\": expected"},
    {"99999999999999999999 * * * *", "invalid minute \"99999999999999999999\": expected"},
    {"0 0 30 2 *", "\"0 0 30 2 *\" never matches: expected a day that the month has"},
    {"0 0 31 4,6,9,11 *", "\"0 0 31 4,6,9,11 *\" never matches"},
    {"@reboot", "unknown shorthand \"@reboot\": expected @every, @hourly, @daily"},
    {"@", "unknown shorthand \"@\": expected"},
};

static void names_the_invalid_field(void **state)
{
    char huge[257];
    struct cron cron;
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(invalid); i++) {
        if (cron_parse(&cron, invalid[i].line, &err))
            fail_msg("%s is accepted", invalid[i].line);
        if (strncmp(err.message, invalid[i].want, strlen(invalid[i].want)) != 0)
            fail_msg("%s: %s", invalid[i].line, err.message);
        assert_int_equal(err.code, ERROR_INVALID);
    }
    memset(huge, ' ', sizeof(huge));
    memcpy(huge, "* * * * *", strlen("* * * * *"));
    huge[256] = '\0';
    assert_false(cron_parse(&cron, huge, &err));
    assert_string_equal(err.message, "too long: expected at most 255 bytes");
    huge[255] = '\0';
    assert_true(cron_parse(&cron, huge, &err));
}

/* February 30 never occurs, but Mondays do. */
static void matches_by_weekday_if_the_day_never_occurs(void **state)
{
    struct cron cron = parse("0 0 30 2 1");

    (void)state;
    use_zone(UTC);
    assert_int_equal(cron_next(&cron, utc("2026-01-01 00:00")), utc("2026-02-02 00:00"));
}

static void finds_the_shortest_gap(void **state)
{
    static const struct {
        const char *line;
        int64_t seconds;
    } gaps[] = {
        {"* * * * *", 60},      {"*/5 * * * *", 300},    {"0,50 * * * *", 600},
        {"@hourly", 3600},      {"@daily", 86400},       {"0 0 1 1 *", 86400},
        {"0 1,23 * * *", 7200}, {"55 23,0 * * *", 3600}, {"0,7 3 * * *", 420},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(gaps); i++) {
        struct cron cron = parse(gaps[i].line);

        assert_int_equal(cron_shortest_gap_seconds(&cron), gaps[i].seconds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_at_the_expected_times),
        cmocka_unit_test(only_increases_across_clock_changes),
        cmocka_unit_test(depends_only_on_the_starting_time),
        cmocka_unit_test(names_the_invalid_field),
        cmocka_unit_test(matches_by_weekday_if_the_day_never_occurs),
        cmocka_unit_test(finds_the_shortest_gap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
