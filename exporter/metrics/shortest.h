/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a finite double, not negative, with the fewest digits that read back as the same double.
 *
 * Each function writes fewer than NUMBER_BYTES without a NUL and returns the end of what it wrote.
 */
#pragma once

char *shortest_plain(char *out, double value);      /* "0.25"; value < 1e17 */
char *shortest_scientific(char *out, double value); /* "2.5e-01" */
