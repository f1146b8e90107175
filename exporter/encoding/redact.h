/* SPDX-License-Identifier: Apache-2.0 */
/* Removes secrets from messages of daemons and registries. */
#pragma once

#include <stddef.h>

/* Copies at most `out_size - 1` bytes of `text` and replaces the query of each URL by "...": the
 * query of a signed URL is a credential. */
void redact_urls(char *out, size_t out_size, const char *text, size_t size);
