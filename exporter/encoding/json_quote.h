/* SPDX-License-Identifier: Apache-2.0 */
/* Strings as JSON writes them. */
#ifndef ENCODING_JSON_QUOTE_H
#define ENCODING_JSON_QUOTE_H

#include "base/buf.h"

/* Appends a JSON string with its quotes; `text` is UTF-8. */
void json_quote(struct buf *out, const char *text);

#endif
