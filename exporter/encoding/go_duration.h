/* SPDX-License-Identifier: Apache-2.0 */
/* Parses durations in Go's format: "1.5s", "1h15m30.918s", "-300ms", "0". */
#pragma once

#include "base/error.h"

#include <stdint.h>

/* ERROR_INVALID for what Go rejects; also for more than 292 years. */
bool go_duration_ns(const char *text, int64_t *ns, struct error *err) MUST_CHECK;
