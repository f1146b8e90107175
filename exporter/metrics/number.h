/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes numbers as the exposition formats need them, with the fewest digits that read back as the
 * same double.
 *
 * Each function writes at most NUMBER_BYTES without a NUL and returns the end of what it wrote.
 */
#pragma once

#include <stdint.h>

#define NUMBER_BYTES 32

char *number_write_uint(char *out, uint64_t value);

/* Whole numbers below 2^53 without an exponent, all others like %g; NaN, +Inf, -Inf. */
char *number_write(char *out, double value);

/* An upper bound as Go writes it ("30.0", "1e+06"). Prometheus names a bucket so when it reads
 * protobuf; the text formats must use the same name. */
char *number_write_bound(char *out, double value);
