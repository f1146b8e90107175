/* SPDX-License-Identifier: Apache-2.0 */
/* Strings as JSON writes them. */
#ifndef BASE_JSON_QUOTE_H
#define BASE_JSON_QUOTE_H

#include "base/buf.h"

/* Appends a JSON string with its quotes; `text` is UTF-8. */
void json_quote(struct buf *out, const char *text);

#endif
