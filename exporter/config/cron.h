/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cron lines, evaluated in the local time zone of the process.
 *
 *     minute hour day-of-month month day-of-week      or @hourly @daily @midnight @weekly
 *     0-59   0-23 1-31         1-12  0-7 (0, 7: Sun)     @monthly @yearly @annually
 *
 * A field is a list of values, ranges and steps: "1,5-9,20-40/10,*". Months and weekdays may be
 * written as their first three letters. If neither day-of-month nor day-of-week begins with a star,
 * a day matches when either field matches; otherwise both fields must match.
 *
 * Daylight saving time: local times in the skipped hour run once, at its end. Local times in the
 * repeated hour run the first time only. A line with `*` for the hour runs in both.
 *
 * All functions are thread-safe while TZ does not change.
 */
#pragma once

#include "base/error.h"

#include <stdint.h>

struct cron {
    uint64_t minutes; /* bit n: the value n */
    uint32_t hours, days, months, weekdays;
    bool any_day, any_weekday; /* whether the field begins with a star */
};

/* Returns ERROR_INVALID naming the field; also for a line that never matches (February 30). */
bool cron_parse(struct cron *cron, const char *text, struct error *err) MUST_CHECK;

/* Returns the first matching time after `after`; both in Unix seconds. */
int64_t cron_next(const struct cron *cron, int64_t after);

/* Returns the shortest time between two runs, daylight saving time aside. */
int64_t cron_shortest_gap_seconds(const struct cron *cron);
