/* SPDX-License-Identifier: Apache-2.0 */
/* Other people's messages without what is secret in them. */
#ifndef ENCODING_REDACT_H
#define ENCODING_REDACT_H

#include <stddef.h>

/* Copies at most `out_size - 1` bytes of `text`, with "?..." for the query of every URL: a signed
 * address of a blob is as good as a password, and longer than the rest of the message. */
void redact_urls(char *out, size_t out_size, const char *text, size_t size);

#endif
