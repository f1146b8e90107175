/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a cron line comes, in the time zone of this machine.
 *
 *     minute hour day-of-month month day-of-week      or @hourly @daily @midnight @weekly
 *     0-59   0-23 1-31         1-12  0-7 (0, 7: Sun)     @monthly @yearly @annually
 *
 * A field is a list of values, ranges and steps: "1,5-9,20-40/10,*"; months and days of the week
 * also by their first three letters. Where neither day-of-month nor day-of-week begins with a star,
 * a day that fits one of them fits; else it must fit both.
 *
 * When clocks are put forward, what falls into the gap comes once, at its end. When they are put
 * back, a time that is there twice comes the first time only; but a line for every hour comes in
 * every hour that there is.
 */
#ifndef CONFIG_CRON_H
#define CONFIG_CRON_H

#include "base/error.h"

#include <stdint.h>

struct cron {
    uint64_t minutes; /* bit n: the value n */
    uint32_t hours, days, months, weekdays;
    bool any_day, any_weekday; /* the field begins with a star */
};

/* The message names the field. A line that never comes (February 30) is wrong, too. */
bool cron_parse(struct cron *cron, const char *text, struct error *err) MUST_CHECK;

/* The first time after `after`; both in seconds since 1970. */
int64_t cron_next(const struct cron *cron, int64_t after);

/* But for changes of the clock, no two times are closer to each other than this. */
int64_t cron_shortest_gap_seconds(const struct cron *cron);

#endif
