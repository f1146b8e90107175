/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* realloc() may free memory without wiping it, so a secret is copied. */
static char *grow(const struct buf *buf, size_t capacity)
{
    char *data;

    if (!buf->secret || !buf->data)
        return realloc(buf->data, capacity);
    data = malloc(capacity);
    if (!data)
        return NULL;
    memcpy(data, buf->data, buf->size + 1);
    explicit_bzero(buf->data, buf->capacity_);
    free(buf->data);
    return data;
}

/* Makes room for `extra` more bytes and the NUL. */
static bool reserve(struct buf *buf, size_t extra)
{
    size_t capacity = buf->capacity_ ? buf->capacity_ : 256;
    size_t wanted;
    char *data;

    if (buf->failure_ != ERROR_NONE)
        return false;
    if (extra > buf->limit_bytes - buf->size) {
        buf->failure_ = ERROR_LIMIT;
        return false;
    }
    wanted = buf->size + extra + 1;
    if (wanted <= buf->capacity_)
        return true;
    while (capacity < wanted)
        capacity *= 2;
    data = grow(buf, capacity);
    if (!data) {
        buf->failure_ = ERROR_MEMORY;
        return false;
    }
    buf->data = data;
    buf->capacity_ = capacity;
    return true;
}

void buf_append(struct buf *buf, const void *data, size_t size)
{
    if (!reserve(buf, size))
        return;
    if (size)
        memcpy(buf->data + buf->size, data, size);
    buf->size += size;
    buf->data[buf->size] = '\0';
}

char *buf_reserve(struct buf *buf, size_t size)
{
    return reserve(buf, size) ? buf->data + buf->size : NULL;
}

void buf_commit(struct buf *buf, const char *end)
{
    buf->size = (size_t)(end - buf->data);
    buf->data[buf->size] = '\0';
}

void buf_fail(struct buf *buf, enum error_code code)
{
    if (buf->failure_ == ERROR_NONE)
        buf->failure_ = code;
}

void buf_append_str(struct buf *buf, const char *str)
{
    buf_append(buf, str, strlen(str));
}

void buf_append_char(struct buf *buf, char c)
{
    buf_append(buf, &c, 1);
}

void buf_append_escaped(struct buf *buf, const char *str, const char *special)
{
    for (; *str; str++) {
        if (strchr(special, *str))
            buf_append_char(buf, '\\');
        buf_append_char(buf, *str);
    }
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0 || !reserve(buf, (size_t)n))
        return;
    va_start(args, fmt);
    vsnprintf(buf->data + buf->size, (size_t)n + 1, fmt, args);
    va_end(args);
    buf->size += (size_t)n;
}

void buf_clear(struct buf *buf)
{
    buf->size = 0;
    buf->failure_ = ERROR_NONE;
    if (buf->data)
        buf->data[0] = '\0';
}

void buf_clear_to(struct buf *buf, size_t keep_bytes)
{
    buf_clear(buf);
    if (buf->capacity_ > keep_bytes)
        buf_deinit(buf);
}

bool buf_ok(const struct buf *buf, struct error *err)
{
    switch (buf->failure_) {
    case ERROR_NONE:
        return true;
    case ERROR_LIMIT:
        return error_set(err, ERROR_LIMIT, "more than %zu bytes", buf->limit_bytes);
    default:
        return error_set(err, ERROR_MEMORY, "out of memory after %zu bytes", buf->size);
    }
}

char *buf_take(struct buf *buf)
{
    char *data = TAKE(buf->data);

    *buf = (struct buf){.limit_bytes = buf->limit_bytes, .secret = buf->secret};
    return data;
}

void buf_deinit(struct buf *buf)
{
    free(buf_take(buf));
}
