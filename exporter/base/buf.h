/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte string with a ceiling.
 *
 * Appending never reports failure by itself: the first failure sticks, later
 * appends do nothing, and the owner asks once, at the end. The contents are
 * always followed by a NUL that `size` does not count.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/error.h"

#include <stddef.h>

struct buf {
    char *data;
    size_t size;
    size_t limit_bytes;
    bool secret;      /* what it grows out of is wiped first */
    size_t capacity_; /* private */
    enum error_code failure_;
};

#define BUF_INIT(limit)        \
    {                          \
        .limit_bytes = (limit) \
    }

void buf_append(struct buf *buf, const void *data, size_t size);
void buf_append_str(struct buf *buf, const char *str);
void buf_append_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF(2, 3);

/* Where up to `size` more bytes may be written, for those who count every nanosecond; NULL if they
 * do not fit. What was written counts once buf_commit() knows where it ends. */
char *buf_reserve(struct buf *buf, size_t size);
void buf_commit(struct buf *buf, const char *end);

/* Who writes there could not: sticks like a failure of an append. */
void buf_fail(struct buf *buf, enum error_code code);

/* Forgets the contents and any failure, keeps the memory. */
void buf_clear(struct buf *buf);

/* The same, but gives memory back where it is more than that. */
void buf_clear_to(struct buf *buf, size_t keep_bytes);

/* False, with ERROR_LIMIT or ERROR_MEMORY, if any append so far did not fit. */
bool buf_ok(const struct buf *buf, struct error *err) MUST_CHECK;

/* Hands the malloc'ed contents to the caller; the buf is empty again. */
char *buf_take(struct buf *buf);

void buf_deinit(struct buf *buf);

#endif
