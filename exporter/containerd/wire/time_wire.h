/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time on the wire. Included by *_wire.c only. */
#ifndef CONTAINERD_WIRE_TIME_WIRE_H
#define CONTAINERD_WIRE_TIME_WIRE_H

#include <stdint.h>

typedef struct Wire__Timestamp Wire__Timestamp;

/* Seconds since 1970; 0 where the daemon has not set it. Go's zero time, which is what 1.6
 * sends for it, lies in year 1. */
double wire_unix_seconds(const Wire__Timestamp *time);

/* The same to the nanosecond, for what is compared; 0 also for what 64 bits cannot hold. */
int64_t wire_unix_ns(const Wire__Timestamp *time);

#endif
