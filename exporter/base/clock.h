/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks. Durations and deadlines are int64_t nanoseconds of the monotonic clock. */
#pragma once

#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_MS     INT64_C(1000000)

int64_t clock_now_ns(void);
int64_t clock_unix_ns(void); /* of the wall clock, which may jump */
double clock_unix_seconds(void);
struct timespec clock_timespec(int64_t ns);

static inline double ns_to_seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_SECOND;
}

static inline double seconds_between(int64_t from_ns, int64_t to_ns)
{
    return ns_to_seconds(to_ns - from_ns);
}
