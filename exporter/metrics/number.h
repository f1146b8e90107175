/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as the formats have them, with the fewest digits that read back as the same double.
 *
 * Every page is full of them: no printf() where a number is of the usual size. They are written
 * without a NUL into NUMBER_BYTES of room; what is returned is the end.
 */
#ifndef METRICS_NUMBER_H
#define METRICS_NUMBER_H

#include <stdint.h>

#define NUMBER_BYTES 32

char *number_write_uint(char *out, uint64_t value);

/* Whole numbers below 2^53 as such, everything else as %g would; NaN, +Inf, -Inf. */
char *number_write(char *out, double value);

/* As Go writes a float and as a server that reads protobuf calls the bucket ("30.0", "1e+06"), so
 * that the series is the same one in each format. */
char *number_write_bound(char *out, double value);

#endif
