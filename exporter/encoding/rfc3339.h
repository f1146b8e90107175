/* SPDX-License-Identifier: Apache-2.0 */
/* Points in time as RFC 3339 writes them: "2026-08-06T11:33:00.5+02:00". */
#ifndef ENCODING_RFC3339_H
#define ENCODING_RFC3339_H

#include "base/error.h"

#include <stdint.h>

/* Seconds since 1970, a fraction cut off; the whole string or nothing. Years 0000 to 9999, no leap
 * seconds. `text` goes into no message: it may come from anywhere. */
bool rfc3339_parse(const char *text, int64_t *unix_seconds, struct error *err) MUST_CHECK;

#endif
