/* SPDX-License-Identifier: Apache-2.0 */
/* Compares words by the number of letters that were inserted, left out, replaced or swapped with
 * their neighbour, computed row by row (Wagner and Fischer; swaps: optimal string alignment). */
#include "encoding/suggest.h"

#include <string.h>

#define WORD_LENGTH_MAX ((size_t)48)
#define PREFIX_MIN      ((size_t)3)
#define SHOWN_MAX       3 /* suggestions at most */

void suggest_add(struct suggest_words *words, const char *word)
{
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(words->items[i], word) == 0)
            return;
    if (words->count < SUGGEST_WORDS_MAX)
        words->items[words->count++] = word;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

static size_t distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t rows[3][WORD_LENGTH_MAX + 1];

    for (size_t i = 0; i <= a_size; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *second = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            if (i == 0) {
                row[j] = j;
                continue;
            }
            row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = smallest(row[j], second[j - 2] + 1, row[j]);
        }
    }
    return rows[a_size % 3][b_size];
}

static bool is_close(const char *wrong, const char *word)
{
    size_t wrong_size = strlen(wrong), word_size = strlen(word);
    size_t shorter = wrong_size < word_size ? wrong_size : word_size;

    if (wrong_size > WORD_LENGTH_MAX || word_size > WORD_LENGTH_MAX)
        return false;
    if (shorter >= PREFIX_MIN && strncmp(wrong, word, shorter) == 0)
        return true;
    return distance(wrong, wrong_size, word, word_size) <= (word_size + 2) / 4;
}

void suggest_close(const struct suggest_words *words, const char *wrong, struct buf *out)
{
    size_t shown = 0;

    for (size_t i = 0; i < words->count && shown < SHOWN_MAX; i++)
        if (is_close(wrong, words->items[i]))
            buf_printf(out, "%s\"%s\"", shown++ == 0 ? " (did you mean " : " or ", words->items[i]);
    if (shown > 0)
        buf_append_str(out, "?)");
}

void suggest(const struct suggest_words *words, const char *wrong, struct buf *out)
{
    size_t before = out->size;

    suggest_close(words, wrong, out);
    if (out->size > before)
        return;
    for (size_t i = 0; i < words->count; i++)
        buf_printf(out, "%s%s", i == 0 ? " (known: " : ", ", words->items[i]);
    if (words->count > 0)
        buf_append_str(out, ")");
}
