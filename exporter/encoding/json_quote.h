/* SPDX-License-Identifier: Apache-2.0 */
/* Writes JSON strings. */
#pragma once

#include "base/buf.h"

/* Appends a JSON string with its quotes; `text` must be UTF-8. */
void json_quote(struct buf *out, const char *text);
