/* SPDX-License-Identifier: Apache-2.0 */
#include "web/pages/html.h"

#include "base/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CHUNK_BYTES 512
#define LAST_MOMENT 253402300799.0 /* the end of the year 9999 */

/* Bidirectional marks, overrides and isolates: a name could reverse the text after it. */
static bool is_bidi_control(const unsigned char *at)
{
    if (at[0] == 0xd8)
        return at[1] == 0x9c;
    return at[0] == 0xe2 && ((at[1] == 0x80 && (at[2] == 0x8e || at[2] == 0x8f ||
                                                (at[2] >= 0xaa && at[2] <= 0xae))) ||
                             (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9));
}

static void escape(struct buf *out, const char *clean)
{
    for (const char *at = clean; *at; at++) {
        if (is_bidi_control((const unsigned char *)at)) {
            buf_append_str(out, "\xef\xbf\xbd");
            at += *(const unsigned char *)at == 0xd8 ? 1 : 2;
        } else if (*at == '&')
            buf_append_str(out, "&amp;");
        else if (*at == '<')
            buf_append_str(out, "&lt;");
        else if (*at == '>')
            buf_append_str(out, "&gt;");
        else if (*at == '"')
            buf_append_str(out, "&quot;");
        else if (*at == '\'')
            buf_append_str(out, "&#39;");
        else
            buf_append_char(out, *at);
    }
}

/* The bytes of the next chunk of `text`; never splits a character. */
static size_t chunk_of(const char *text, size_t size)
{
    size_t n = size < CHUNK_BYTES ? size : CHUNK_BYTES, back = 0;

    while (n < size && back < 3 && ((unsigned char)text[n - back] & 0xc0) == 0x80)
        back++;
    return n - back;
}

void html_text_part(struct buf *out, const char *text, size_t size)
{
    char clean[3 * CHUNK_BYTES + 1];
    bool cut = size > HTML_TEXT_MAX_BYTES;

    if (cut)
        size = HTML_TEXT_MAX_BYTES;
    for (size_t i = 0, n; i < size; i += n) {
        n = chunk_of(text + i, size - i);
        text_clean(clean, sizeof(clean), text + i, n);
        escape(out, clean);
    }
    if (cut)
        buf_append_str(out, "…");
}

void html_text(struct buf *out, const char *text)
{
    html_text_part(out, text, strlen(text));
}

void html_fill(struct buf *out, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    for (const char *at; (at = strstr(fmt, "%s")); fmt = at + 2) {
        buf_append(out, fmt, (size_t)(at - fmt));
        html_text(out, va_arg(args, const char *));
    }
    va_end(args);
    buf_append_str(out, fmt);
}

void html_attribute(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, " %s=\"", name);
    html_text(out, value);
    buf_append_char(out, '"');
}

void html_query(struct buf *out, const char *value)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";

    for (size_t i = 0; i < HTML_TEXT_MAX_BYTES && value[i]; i++)
        if (strchr(safe, value[i]))
            buf_append_char(out, value[i]);
        else
            buf_printf(out, "%%%02X", (unsigned char)value[i]);
}

/* The largest two units only. */
static void append_long_time(struct buf *out, double seconds)
{
    static const struct {
        const char *name, *next_name;
        uint64_t seconds, next;
    } units[] = {
        {"d", "h", 86400, 3600},
        {"h", "min", 3600, 60},
        {"min", "s", 60, 1},
    };
    uint64_t whole = seconds < 1e15 ? (uint64_t)llround(seconds) : UINT64_C(1000000000000000);

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t rest = whole % units[i].seconds / units[i].next;
        if (whole < units[i].seconds)
            continue;
        buf_printf(out, "%llu %s", (unsigned long long)(whole / units[i].seconds), units[i].name);
        if (rest > 0 && whole / units[i].seconds < 10)
            buf_printf(out, " %llu %s", (unsigned long long)rest, units[i].next_name);
        return;
    }
}

void html_seconds(struct buf *out, double seconds)
{
    if (!(seconds >= 0))
        buf_append_str(out, "–");
    else if (seconds == 0)
        buf_append_str(out, "0 s");
    else if (seconds < 0.001)
        buf_append_str(out, "&lt; 1 ms");
    else if (seconds < 0.9995)
        buf_printf(out, "%.0f ms", seconds * 1000);
    else if (seconds < 9.95 && round(10 * seconds) != 10 * round(seconds))
        buf_printf(out, "%.1f s", seconds);
    else if (seconds < 59.5)
        buf_printf(out, "%.0f s", seconds);
    else
        append_long_time(out, seconds);
}

void html_bytes(struct buf *out, double bytes)
{
    char text[64];

    if (!(bytes >= 0)) {
        buf_append_str(out, "–");
        return;
    }
    text_format_bytes(bytes < 1.8e19 ? (uint64_t)bytes : UINT64_MAX, text, sizeof(text));
    buf_append_str(out, text);
}

void html_moment(struct buf *out, double unix_seconds)
{
    time_t at = unix_seconds > 0 ? (time_t)fmin(unix_seconds, LAST_MOMENT) : 0;
    struct tm tm;
    char text[32];

    gmtime_r(&at, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    buf_append_str(out, text);
}

void html_time(struct buf *out, double unix_seconds, double now)
{
    double ago = now - unix_seconds;

    buf_append_str(out, "<time datetime=\"");
    html_moment(out, unix_seconds);
    buf_append_str(out, "\" title=\"");
    html_moment(out, unix_seconds);
    buf_append_str(out, "\">");
    if (fabs(ago) < 1)
        buf_append_str(out, "now");
    else {
        buf_append_str(out, ago < 0 ? "in " : "");
        html_seconds(out, round(fabs(ago)));
        buf_append_str(out, ago < 0 ? "" : " ago");
    }
    buf_append_str(out, "</time>");
}
