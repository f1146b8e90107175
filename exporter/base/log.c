/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buf.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_LIMIT_BYTES ((size_t)2048)

static _Atomic enum log_level minimum = LOG_INFO;
static _Atomic enum log_format shape = LOG_LOGFMT;

void log_set_level(enum log_level level)
{
    minimum = level;
}

void log_set_format(enum log_format format)
{
    shape = format;
}

bool log_level_parse(const char *name, enum log_level *level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    return false;
}

bool log_format_parse(const char *name, enum log_format *format)
{
    if (strcmp(name, "logfmt") != 0 && strcmp(name, "json") != 0)
        return false;
    *format = name[0] == 'j' ? LOG_JSON : LOG_LOGFMT;
    return true;
}

static void quoted(struct buf *out, const char *text)
{
    buf_append_char(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_append_char(out, '\\');
        buf_append_char(out, *text);
    }
    buf_append_char(out, '"');
}

static void timestamp(char *out, size_t out_size)
{
    struct timespec now;
    struct tm utc;
    size_t n;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    n = strftime(out, out_size, "%FT%T", &utc);
    snprintf(out + n, out_size - n, ".%03ldZ", now.tv_nsec / 1000000);
}

void log_line(enum log_level level, const char *file, int line, const char *fmt, ...)
{
    static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
    char text[1024], clean[1024], stamp[40];
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LINE_LIMIT_BYTES);
    va_list args;

    if (level < minimum)
        return;
    timestamp(stamp, sizeof(stamp));
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    text_clean(clean, sizeof(clean), text, strlen(text));
    buf_printf(&out,
               shape == LOG_JSON ? "{\"time\":\"%s\",\"level\":\"%s\",\"source\":\"%s:%d\",\"msg\":"
                                 : "time=%s level=%s source=%s:%d msg=",
               stamp, names[level], file, line);
    quoted(&out, clean);
    buf_append_str(&out, shape == LOG_JSON ? "}\n" : "\n");
    if (write(STDERR_FILENO, out.data, out.size) < 0)
        return; /* nowhere left to complain */
}
