/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one door for texts that may hold a secret. Libraries, daemons, registries and helpers quote
 * URLs and headers, and so do messages about the configuration. All messages of errors, problems,
 * logs and progress pass here. A text that is cut must pass before it is cut.
 */
#pragma once

#include <stddef.h>

/*
 * Copies at most `out_size - 1` bytes of `text` and returns `out`. Replaces by "...":
 *   - user and password of a URL, also if they contain characters that had to be escaped, and of
 *     "user:password@host";
 *   - query and fragment of a URL: the query of a signed URL is a credential;
 *   - what follows "Basic" or "Bearer", if it is as long as a credential.
 */
const char *redact_text(char *out, size_t out_size, const char *text, size_t size);

/* redact_text(), then text_clean(). `out_size` is at most REDACT_CLEAN_MAX. */
#define REDACT_CLEAN_MAX ((size_t)1024)
void redact_clean(char *out, size_t out_size, const char *text);
