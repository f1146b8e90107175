/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one door for texts that the exporter did not write: of libraries, daemons, registries and
 * helpers. Such a text may quote a URL or a header with a secret. What leaves the exporter in a
 * message or a log passes here once, where it comes in.
 */
#pragma once

#include <stddef.h>

/*
 * Copies `text` as valid UTF-8 without control characters (text_clean()), at most `out_size - 1`
 * bytes, and returns `out`. Replaces by "...":
 *   - user and password of a URL, also if they contain characters that had to be escaped;
 *   - query and fragment of a URL: the query of a signed URL is a credential;
 *   - what follows "Basic" or "Bearer", if it is as long as a credential.
 */
const char *redact_text(char *out, size_t out_size, const char *text, size_t size);
