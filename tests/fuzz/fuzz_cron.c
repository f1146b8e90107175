/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parses arbitrary bytes as a cron line. The times of an accepted line must increase by at least
 * the shortest gap, and each must match every field of the line.
 */
#include "config/cron.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_MAX_BYTES ((size_t)300)
#define START          INT64_C(1795478400)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void check_time(const struct cron *cron, int64_t at)
{
    time_t seconds = (time_t)at;
    struct tm tm;

    check(gmtime_r(&seconds, &tm) && tm.tm_sec == 0);
    check(cron->minutes >> tm.tm_min & 1);
    check(cron->hours >> tm.tm_hour & 1);
    check(cron->months >> (tm.tm_mon + 1) & 1);
    check((cron->days >> tm.tm_mday & 1) || (cron->weekdays >> tm.tm_wday & 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char line[LINE_MAX_BYTES + 1];
    int64_t at = START, next;
    struct cron cron;
    struct error err;

    if (size > LINE_MAX_BYTES)
        return 0;
    if (size > 0)
        memcpy(line, data, size);
    line[size] = '\0';
    setenv("TZ", "UTC0", 1);
    if (!cron_parse(&cron, line, &err)) {
        check(err.code == ERROR_INVALID && *err.message);
        return 0;
    }
    for (int i = 0; i < 5; i++, at = next) {
        next = cron_next(&cron, at);
        check(next > at);
        check(i == 0 || next - at >= cron_shortest_gap_seconds(&cron));
        check_time(&cron, next);
    }
    return 0;
}
