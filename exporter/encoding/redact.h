/* SPDX-License-Identifier: Apache-2.0 */
/* Removes secrets from messages of daemons and registries. */
#ifndef ENCODING_REDACT_H
#define ENCODING_REDACT_H

#include <stddef.h>

/* Copies at most `out_size - 1` bytes of `text` and replaces the query of each URL by "...": the
 * query of a signed URL is a credential. */
void redact_urls(char *out, size_t out_size, const char *text, size_t size);

#endif
