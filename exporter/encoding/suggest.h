/* SPDX-License-Identifier: Apache-2.0 */
/* What a word that is not known was probably meant to be. */
#ifndef ENCODING_SUGGEST_H
#define ENCODING_SUGGEST_H

#include "base/buf.h"

#define SUGGEST_WORDS_MAX 64

struct suggest_words {
    const char *items[SUGGEST_WORDS_MAX];
    size_t count;
};

/* Each word once; those beyond SUGGEST_WORDS_MAX are left out. */
void suggest_add(struct suggest_words *words, const char *word);

/* Appends ` (did you mean "image"?)`, or ` (known: image, platform)` if none is close. */
void suggest(const struct suggest_words *words, const char *wrong, struct buf *out);

/* The same, but nothing if none is close. */
void suggest_close(const struct suggest_words *words, const char *wrong, struct buf *out);

#endif
