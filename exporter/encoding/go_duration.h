/* SPDX-License-Identifier: Apache-2.0 */
/* Durations as Go's programs write and read them: "1.5s", "1h15m30.918s", "-300ms", "0". */
#ifndef ENCODING_GO_DURATION_H
#define ENCODING_GO_DURATION_H

#include "base/error.h"

#include <stdint.h>

/* What is over 290 years is ERROR_INVALID, as anything else that Go refuses. */
bool go_duration_ns(const char *text, int64_t *ns, struct error *err) MUST_CHECK;

#endif
