/* SPDX-License-Identifier: Apache-2.0 */
/* Base64. The decoder accepts what Go's JSON decoder accepts: standard alphabet, padding, line
 * breaks anywhere. */
#pragma once

#include "base/buf.h"

/* The most that base64_decode() writes for a text of this size. */
#define BASE64_ROOM_BYTES(text_size) ((text_size) / 4 * 3 + 3)

/* False for invalid base64. `out` must have room for BASE64_ROOM_BYTES(strlen(text)). */
bool base64_decode(const char *text, char *out, size_t *out_size);

/* Appends padded base64; `for_url` selects the URL alphabet. */
void base64_append(struct buf *out, const void *data, size_t size, bool for_url);
