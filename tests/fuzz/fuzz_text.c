/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as numbers, durations, sizes and text. A failure does not change the output.
 * Clean text is UTF-8, has no control characters, fits, and does not change when cleaned
 * again.
 */
#include "base/text.h"

#include <string.h>

#define TEXT_LIMIT_BYTES ((size_t)4096)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void parse_values(const char *text)
{
    uint64_t number = 7, bytes = 7;
    int64_t ns = -7;
    struct error err = {0};
    char shown[32];

    require(text_uint(text, &number, &err) || (number == 7 && err.code == ERROR_INVALID));
    require(text_bytes(text, &bytes, &err) || (bytes == 7 && err.code == ERROR_INVALID));
    require(text_duration_ns(text, &ns, &err) ? ns >= 0 : ns == -7);
    text_format_bytes(bytes, shown, sizeof(shown));
    require(strlen(shown) < sizeof(shown) - 1);
}

static void clean(const char *text, size_t size, size_t room)
{
    char out[3 * TEXT_LIMIT_BYTES + 1], again[sizeof(out)];
    size_t n = text_clean(out, room, text, size);

    require(n < room && out[n] == '\0' && strlen(out) == n);
    require(text_is_utf8(out, n));
    for (size_t i = 0; i < n; i++)
        require((unsigned char)out[i] >= ' ' && out[i] != 0x7f);
    require(text_clean(again, sizeof(again), out, n) == n && strcmp(out, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_LIMIT_BYTES + 1];

    if (size > TEXT_LIMIT_BYTES)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    parse_values(text);
    clean(text, size, 3 * TEXT_LIMIT_BYTES + 1);
    clean(text, size, size / 2 + 1);
    return 0;
}
