/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that came inside a text, as Go's JSON reads them: standard alphabet, padded, line breaks
 * skipped. */
#ifndef CLIENT_BASE64_H
#define CLIENT_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* What base64_decode() may write for a text of so many bytes. */
#define BASE64_ROOM_BYTES(text_size) ((text_size) / 4 * 3 + 3)

/* False for what is no base64. `out` has room for BASE64_ROOM_BYTES(strlen(text)). */
bool base64_decode(const char *text, char *out, size_t *out_size);

#endif
