/* SPDX-License-Identifier: Apache-2.0 */
#include "encoding/redact.h"

#include <stdbool.h>
#include <string.h>

#define HIDDEN "..."

static bool ends_url(char c)
{
    return c == '\0' || strchr(" \t\r\n\"'<>", c);
}

/* The length of the query at `text`, without punctuation at its end as in "url: reason". */
static size_t query_size(const char *text, size_t size)
{
    size_t n = 0;

    while (n < size && !ends_url(text[n]))
        n++;
    while (n > 0 && strchr(":,;)", text[n - 1]))
        n--;
    return n;
}

void redact_urls(char *out, size_t out_size, const char *text, size_t size)
{
    bool in_url = false;
    size_t used = 0;

    for (size_t i = 0; i < size && used + 1 < out_size; i++) {
        out[used++] = text[i];
        if (ends_url(text[i]))
            in_url = false;
        else if (i >= 2 && memcmp(text + i - 2, "://", 3) == 0)
            in_url = true;
        if (!in_url || text[i] != '?')
            continue;
        i += query_size(text + i + 1, size - i - 1);
        for (const char *hidden = HIDDEN; *hidden && used + 1 < out_size; hidden++)
            out[used++] = *hidden;
        in_url = false;
    }
    out[used] = '\0';
}
