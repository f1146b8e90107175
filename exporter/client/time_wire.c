/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that knows what an unset time looks like. */
#include "client/time_wire.h"

#include "timestamp.pb-c.h"

#define YEAR_1 INT64_C(-62135596800)

double wire_unix_seconds(const Wire__Timestamp *time)
{
    if (!time || time->seconds <= YEAR_1)
        return 0;
    return (double)time->seconds + (double)time->nanos / 1e9;
}
