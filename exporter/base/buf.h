/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte string with a size limit.
 *
 * Appends do not report failures. The first failure sticks, later appends do
 * nothing, and the owner calls buf_ok() once, at the end. A NUL follows the
 * contents; `size` does not count it.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>

struct buf {
    char *data;
    size_t size;
    size_t limit_bytes;
    bool secret;      /* growing wipes the old memory */
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
/* Puts a backslash before each character that is one of `special`. */
void buf_append_escaped(struct buf *buf, const char *str, const char *special);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF(2, 3);

/* Returns memory for up to `size` more bytes; NULL if they do not fit. The caller writes there and
 * passes the end of what it wrote to buf_commit(). For callers that must be fast. */
char *buf_reserve(struct buf *buf, size_t size);
void buf_commit(struct buf *buf, const char *end);

/* Records a failure of the caller. It sticks like that of an append. */
void buf_fail(struct buf *buf, enum error_code code);

/* Removes the contents and the failure, keeps the memory. */
void buf_clear(struct buf *buf);

/* Like buf_clear(), but frees the memory if it is larger than `keep_bytes`. */
void buf_clear_to(struct buf *buf, size_t keep_bytes);

/* False, with ERROR_LIMIT or ERROR_MEMORY, if an append has failed. */
bool buf_ok(const struct buf *buf, struct error *err) MUST_CHECK;

/* Returns the contents, which the caller must free(); NULL if there is no memory. The buf is empty
 * afterwards. */
char *buf_take(struct buf *buf);

void buf_deinit(struct buf *buf);
