/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes inside a text. Reading is as Go's JSON reads: standard alphabet, padded, line breaks
 * skipped. */
#ifndef ENCODING_BASE64_H
#define ENCODING_BASE64_H

#include "base/buf.h"

/* What base64_decode() may write for a text of so many bytes. */
#define BASE64_ROOM_BYTES(text_size) ((text_size) / 4 * 3 + 3)

/* False for what is no base64. `out` has room for BASE64_ROOM_BYTES(strlen(text)). */
bool base64_decode(const char *text, char *out, size_t *out_size);

/* Appends it, padded; with the alphabet of URLs where `for_url`. */
void base64_append(struct buf *out, const void *data, size_t size, bool for_url);

#endif
