/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that knows what an unset time looks like. */
#include "containerd/wire/time_wire.h"

#include "base/clock.h"
#include "timestamp.pb-c.h"

#define YEAR_1      INT64_C(-62135596800)
#define SECONDS_MAX (INT64_MAX / NS_PER_SECOND - 4) /* room for any nanos */

double wire_unix_seconds(const Wire__Timestamp *time)
{
    if (!time || time->seconds <= YEAR_1)
        return 0;
    return (double)time->seconds + (double)time->nanos / 1e9;
}

int64_t wire_unix_ns(const Wire__Timestamp *time)
{
    if (!time || time->seconds <= 0 || time->seconds > SECONDS_MAX)
        return 0;
    return time->seconds * NS_PER_SECOND + time->nanos;
}
