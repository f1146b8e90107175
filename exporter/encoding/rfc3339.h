/* SPDX-License-Identifier: Apache-2.0 */
/* Reads times in the format of RFC 3339: "2026-08-06T11:33:00.5+02:00". */
#pragma once

#include "base/error.h"

#include <stdint.h>

/* Seconds since 1970 without the fraction. Reads the whole string or fails with ERROR_INVALID.
 * Takes years 0000 to 9999 and no leap seconds. Messages do not contain `text`: it may be
 * untrusted. */
bool rfc3339_parse(const char *text, int64_t *unix_seconds, struct error *err) MUST_CHECK;
