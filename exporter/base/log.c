/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buf.h"
#include "base/redact.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_LIMIT_BYTES ((size_t)16 << 10)
#define TEXT_BYTES       ((size_t)1024) /* of the message, and of each value */

const char *const log_level_names[] = {"debug", "info", "warn", "error", NULL};
const char *const log_format_names[] = {"logfmt", "json", NULL};

static _Atomic enum log_level minimum[LOG_TOPICS] = {LOG_INFO, LOG_INFO};
static _Atomic enum log_format log_format = LOG_LOGFMT;

void log_set_level(enum log_level level)
{
    minimum[LOG_GENERAL] = level;
}

void log_set_prober_level(enum log_level level)
{
    minimum[LOG_PROBER] = level;
}

void log_set_format(enum log_format format)
{
    log_format = format;
}

static int find_name(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

bool log_level_parse(const char *name, enum log_level *level)
{
    int found = find_name(log_level_names, name);

    if (found >= 0)
        *level = (enum log_level)found;
    return found >= 0;
}

bool log_format_parse(const char *name, enum log_format *format)
{
    int found = find_name(log_format_names, name);

    if (found >= 0)
        *format = (enum log_format)found;
    return found >= 0;
}

static void append_quoted(struct buf *out, const char *text)
{
    buf_append_char(out, '"');
    buf_append_escaped(out, text, "\"\\");
    buf_append_char(out, '"');
}

static void write_timestamp(char *out, size_t out_size)
{
    struct timespec now;
    struct tm utc;
    size_t n;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    n = strftime(out, out_size, "%FT%T", &utc);
    snprintf(out + n, out_size - n, ".%03ldZ", now.tv_nsec / 1000000);
}

/* Whether a logfmt value needs no quotation marks. */
static bool is_plain(const char *text)
{
    if (!*text)
        return false;
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f || strchr("\"=\\", *text))
            return false;
    return true;
}

static void append_clean(struct buf *out, const char *text, bool always_quoted)
{
    char clean[TEXT_BYTES];

    redact_clean(clean, sizeof(clean), text);
    if (always_quoted || !is_plain(clean))
        append_quoted(out, clean);
    else
        buf_append_str(out, clean);
}

static void append_pairs(struct buf *out, const char *const *pairs, bool json)
{
    for (; pairs && pairs[0] && pairs[1]; pairs += 2) {
        buf_printf(out, json ? ",\"%s\":" : " %s=", pairs[0]);
        append_clean(out, pairs[1], json);
    }
}

void log_line(enum log_topic topic, enum log_level level, const char *file, int line,
              const char *const *pairs, const char *fmt, ...)
{
    static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
    bool json = log_format == LOG_JSON;
    char text[TEXT_BYTES], stamp[40];
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LINE_LIMIT_BYTES);
    va_list args;

    if (level < minimum[topic])
        return;
    write_timestamp(stamp, sizeof(stamp));
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    buf_printf(&out,
               json ? "{\"time\":\"%s\",\"level\":\"%s\",\"source\":\"%s:%d\",\"msg\":"
                    : "time=%s level=%s source=%s:%d msg=",
               stamp, names[level], file, line);
    append_clean(&out, text, true);
    append_pairs(&out, pairs, json);
    buf_append_str(&out, json ? "}\n" : "\n");
    if (write(STDERR_FILENO, out.data, out.size) < 0)
        return; /* there is no other channel to report this on */
}
