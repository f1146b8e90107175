/* SPDX-License-Identifier: Apache-2.0 */
#include "encoding/base64.h"

#include <stdint.h>
#include <string.h>

/* -1 for a character outside of the alphabet. */
static int value_of(char letter)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = letter == '\0' ? NULL : strchr(alphabet, letter);

    return at ? (int)(at - alphabet) : -1;
}

static const char *skip_breaks(const char *text)
{
    return text + strspn(text, "\r\n");
}

/* Whether only padding up to a multiple of four letters follows. */
static bool is_end(const char *text, size_t n_letters)
{
    for (size_t i = n_letters; i % 4 != 0; i++) {
        text = skip_breaks(text);
        if (*text != '=')
            return false;
        text++;
    }
    return *skip_breaks(text) == '\0';
}

bool base64_decode(const char *text, char *out, size_t *out_size)
{
    uint32_t bits = 0;
    size_t n_letters = 0;

    *out_size = 0;
    for (text = skip_breaks(text); value_of(*text) >= 0; text = skip_breaks(text + 1)) {
        bits = bits << 6 | (uint32_t)value_of(*text);
        if (n_letters++ % 4 != 0)
            out[(*out_size)++] = (char)(bits >> (6 - 2 * ((n_letters - 1) % 4)));
    }
    return n_letters % 4 != 1 && is_end(text, n_letters);
}

void base64_append(struct buf *out, const void *data, size_t size, bool for_url)
{
    static const char common[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const unsigned char *bytes = data;

    for (size_t i = 0; i < size; i += 3) {
        size_t n = size - i < 3 ? size - i : 3;
        uint32_t bits = (uint32_t)bytes[i] << 16 | (n > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                        (n > 2 ? bytes[i + 2] : 0);

        for (size_t digit = 0; digit < 4; digit++) {
            uint32_t value = bits >> (18 - 6 * digit) & 63;

            buf_append_char(out, digit > n     ? '='
                                 : value < 62  ? common[value]
                                 : value == 62 ? (for_url ? '-' : '+')
                                               : (for_url ? '_' : '/'));
        }
    }
}
