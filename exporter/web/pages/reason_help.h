/* SPDX-License-Identifier: Apache-2.0 */
/* The meaning of each failure reason, and what to do about it. */
#pragma once

#include "base/error.h"

struct reason_help {
    const char *what; /* "The registry's name has no address." */
    const char *todo;
};

/* `operation` of the run: "pull", "push", "roundtrip" or "tag". The last three write, and some
 * reasons mean something else for them. */
struct reason_help reason_help_of(enum error_code reason, const char *operation);
