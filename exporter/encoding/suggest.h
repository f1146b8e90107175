/* SPDX-License-Identifier: Apache-2.0 */
/* Suggests known words for an unknown one. */
#pragma once

#include "base/buf.h"

#define SUGGEST_WORDS_MAX 64

struct suggest_words {
    const char *items[SUGGEST_WORDS_MAX];
    size_t count;
};

/* Ignores duplicates, and words beyond SUGGEST_WORDS_MAX. */
void suggest_add(struct suggest_words *words, const char *word);

/* Appends ` (did you mean "image"?)`, or ` (known: image, platform)` if no word is close. */
void suggest(const struct suggest_words *words, const char *wrong, struct buf *out);

/* Appends nothing if no word is close. */
void suggest_close(const struct suggest_words *words, const char *wrong, struct buf *out);
