/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FRACTION_DIGITS_MAX 6

static const char *digits(const char *text, uint64_t *value, bool *overflow)
{
    *value = 0;
    *overflow = false;
    for (; *text >= '0' && *text <= '9'; text++)
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, (uint64_t)(*text - '0'), value))
            *overflow = true;
    return text;
}

bool text_uint(const char *text, uint64_t *value, struct error *err)
{
    uint64_t number;
    bool overflow;
    const char *end = digits(text, &number, &overflow);

    if (end == text || *end)
        return error_set(err, ERROR_INVALID, "\"%s\" is not a whole number such as 0 or 42", text);
    if (overflow)
        return error_set(err, ERROR_INVALID, "\"%s\" is too large", text);
    *value = number;
    return true;
}

struct unit {
    const char *name;
    int64_t size;
};

static const struct unit durations[] = {
    {"y", 365 * 86400 * NS_PER_SECOND},
    {"w", 7 * 86400 * NS_PER_SECOND},
    {"d", 86400 * NS_PER_SECOND},
    {"h", 3600 * NS_PER_SECOND},
    {"m", 60 * NS_PER_SECOND},
    {"s", NS_PER_SECOND},
    {"ms", NS_PER_MS},
};

static size_t word_length(const char *text)
{
    size_t n = 0;

    while (text[n] && !(text[n] >= '0' && text[n] <= '9'))
        n++;
    return n;
}

/* The unit at the start of `text`, from row `*row` on; NULL if there is none. Units descend. */
static const struct unit *next_unit(const char *text, size_t *row)
{
    size_t length = word_length(text);

    for (; *row < sizeof(durations) / sizeof(durations[0]); (*row)++)
        if (strlen(durations[*row].name) == length &&
            strncmp(durations[*row].name, text, length) == 0)
            return &durations[(*row)++];
    return NULL;
}

bool text_duration_ns(const char *text, int64_t *ns, struct error *err)
{
    const char *at = text;
    int64_t sum = 0, part;
    size_t row = 0;

    do {
        uint64_t value;
        bool overflow;
        const char *end = digits(at, &value, &overflow);
        const struct unit *unit = end > at ? next_unit(end, &row) : NULL;

        if (!unit && end > text && !*end && at == text)
            return error_set(err, ERROR_INVALID,
                             "\"%s\" has no unit: expected a duration such as %ss or %sm", text,
                             text, text);
        if (!unit)
            return error_set(err, ERROR_INVALID,
                             "\"%s\" is not a duration such as 90s, 5m or 1h30m", text);
        if (overflow || __builtin_mul_overflow(value, unit->size, &part) ||
            __builtin_add_overflow(sum, part, &sum))
            return error_set(err, ERROR_INVALID, "\"%s\" is too long", text);
        at = end + strlen(unit->name);
    } while (*at);
    *ns = sum;
    return true;
}

static const struct unit sizes[] = {
    {"", 1},
    {"B", 1},
    {"KiB", INT64_C(1) << 10},
    {"MiB", INT64_C(1) << 20},
    {"GiB", INT64_C(1) << 30},
    {"TiB", INT64_C(1) << 40},
    {"Ki", INT64_C(1) << 10},
    {"Mi", INT64_C(1) << 20},
    {"Gi", INT64_C(1) << 30},
    {"Ti", INT64_C(1) << 40},
    {"k", 1000},
    {"kB", 1000},
    {"M", 1000000},
    {"MB", 1000000},
    {"G", 1000000000},
    {"GB", 1000000000},
    {"T", 1000000000000},
    {"TB", 1000000000000},
};

/* Reads ".25" into 25 and 100. Returns NULL if the digits are missing or too many for the
 * multiplication by the largest unit. */
static const char *fraction(const char *text, uint64_t *value, uint64_t *scale)
{
    bool overflow;
    const char *end;

    *value = 0;
    *scale = 1;
    if (*text != '.')
        return text;
    end = digits(++text, value, &overflow);
    if (end == text || end - text > FRACTION_DIGITS_MAX)
        return NULL;
    for (; text < end; text++)
        *scale *= 10;
    return end;
}

static const struct unit *find_size(const char *name)
{
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        if (strcmp(name, sizes[i].name) == 0)
            return &sizes[i];
    return NULL;
}

bool text_bytes(const char *text, uint64_t *bytes, struct error *err)
{
    uint64_t whole, part, scale, value;
    bool overflow;
    const char *point = digits(text, &whole, &overflow);
    const char *end = point > text ? fraction(point, &part, &scale) : NULL;
    const struct unit *unit = end ? find_size(*end == ' ' && end[1] ? end + 1 : end) : NULL;

    if (unit && end > point && !*end)
        return error_set(err, ERROR_INVALID,
                         "\"%s\" has no unit: expected a size such as %sMiB or %sGB", text, text,
                         text);
    if (!unit || (end > point && unit->size == 1))
        return error_set(err, ERROR_INVALID, "\"%s\" is not a size such as 512, 64KiB or 2.5GB",
                         text);
    part = (part * (uint64_t)unit->size + scale / 2) / scale;
    if (overflow || __builtin_mul_overflow(whole, (uint64_t)unit->size, &value) ||
        __builtin_add_overflow(value, part, &value))
        return error_set(err, ERROR_INVALID, "\"%s\" is too large", text);
    *bytes = value;
    return true;
}

void text_format_bytes(uint64_t bytes, char *out, size_t out_size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;

    for (; value >= 1024; value /= 1024)
        unit++;
    snprintf(out, out_size, "%.1f %s", value, units[unit]);
}

bool text_equal_ignoring_case(const char *a, size_t a_size, const char *b)
{
    return strlen(b) == a_size && strncasecmp(a, b, a_size) == 0;
}

uint64_t text_hash(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash;
}

bool text_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);

    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* The length of the valid UTF-8 sequence at `text`, else 0 (Unicode 15, table 3-7). */
static size_t sequence_length(const unsigned char *text, size_t size)
{
    size_t length = text[0] < 0x80   ? 1
                    : text[0] < 0xc2 ? 0
                    : text[0] < 0xe0 ? 2
                    : text[0] < 0xf0 ? 3
                    : text[0] < 0xf5 ? 4
                                     : 0;

    if (length == 0 || length > size)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
        (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
        return 0;
    return length;
}

int text_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool text_is_utf8(const char *text, size_t size)
{
    for (size_t i = 0, length; i < size; i += length) {
        length = sequence_length((const unsigned char *)text + i, size - i);
        if (length == 0)
            return false;
    }
    return true;
}

/* Terminals interpret U+0080 to U+009F like ESC sequences. */
static bool is_control(const unsigned char *text, size_t length)
{
    return (length == 1 && (text[0] < ' ' || text[0] == 0x7f)) ||
           (length == 2 && text[0] == 0xc2 && text[1] < 0xa0);
}

/* The length of the printable ASCII at the start: most texts are nothing else. */
static size_t plain_length(const char *text, size_t size)
{
    size_t n = 0;

    while (n < size && text[n] >= ' ' && text[n] < 0x7f)
        n++;
    return n;
}

size_t text_clean(char *out, size_t out_size, const char *text, size_t size)
{
    size_t n;

    if (out_size == 0)
        return 0;
    n = plain_length(text, size < out_size ? size : out_size - 1);
    memcpy(out, text, n);
    for (size_t i = n, length; i < size; i += length) {
        const char *from = text + i;
        size_t copied = length = sequence_length((const unsigned char *)from, size - i);

        if (length == 0) {
            from = "\xef\xbf\xbd"; /* U+FFFD */
            length = 1;
            copied = 3;
        } else if (is_control((const unsigned char *)from, length)) {
            from = " ";
            copied = 1;
        }
        if (n + copied >= out_size)
            break;
        memcpy(out + n, from, copied);
        n += copied;
    }
    out[n] = '\0';
    return n;
}
