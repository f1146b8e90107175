/* SPDX-License-Identifier: Apache-2.0 */
#include "server/uri.h"

#include "base/text.h"

#include <string.h>

/* Decodes [from, end) to *to, appends a NUL, and advances *to. */
static bool decode(const char *from, const char *end, bool plus_is_space, char **to)
{
    char *out = *to;

    for (; from < end; from++) {
        char c = *from;

        if (c == '%') {
            int high = end - from > 2 ? text_hex_digit(from[1]) : -1;
            int low = high >= 0 ? text_hex_digit(from[2]) : -1;

            if (low < 0 || (high == 0 && low == 0))
                return false;
            c = (char)(high << 4 | low);
            from += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        *out++ = c;
    }
    *out++ = '\0';
    *to = out;
    return true;
}

/* A pair "x" needs two more bytes, "x=y" one: URI_MEMORY has room for that. */
static bool decode_pairs(const char *text, char *out, struct uri *uri)
{
    uri->pairs_ = out;
    for (const char *end; *text; text = *end ? end + 1 : end) {
        const char *equals;

        end = text + strcspn(text, "&");
        equals = memchr(text, '=', (size_t)(end - text));
        if (end == text)
            continue;
        if (!decode(text, equals ? equals : end, true, &out) ||
            !decode(equals ? equals + 1 : end, end, true, &out))
            return false;
        uri->n_pairs_++;
    }
    return true;
}

/* A server must accept the absolute form "http://host/path", too (RFC 9112). */
static const char *skip_authority(const char *text)
{
    size_t scheme = strncasecmp(text, "http://", 7) == 0    ? 7
                    : strncasecmp(text, "https://", 8) == 0 ? 8
                                                            : 0;

    return scheme ? text + scheme + strcspn(text + scheme, "/?") : text;
}

bool uri_parse(const char *text, char *memory, struct uri *uri)
{
    const char *path = skip_authority(text), *end = path + strcspn(path, "?");
    char *out = memory;

    *uri = (struct uri){.path = memory};
    if (strchr(text, ' '))
        return false;
    if (path != text && path == end)
        *out++ = '/'; /* "http://host" means "/" */
    return decode(path, end, false, &out) && decode_pairs(*end ? end + 1 : end, out, uri);
}

size_t uri_query(const struct uri *uri, const char *name, const char **values, size_t max)
{
    const char *pair = uri->pairs_;
    size_t count = 0;

    for (size_t i = 0; i < uri->n_pairs_; i++) {
        const char *value = pair + strlen(pair) + 1;

        if (strcmp(pair, name) == 0) {
            if (count < max)
                values[count] = value;
            count++;
        }
        pair = value + strlen(value) + 1;
    }
    return count;
}
