/* SPDX-License-Identifier: Apache-2.0 */
/* A text that is nobody's business: wiped before its memory goes back. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/buf.h"

struct secret {
    char *text; /* NULL: there is none. Goes to the peer it is for, never into a message */
};

/* Its text, "" if there is none. */
const char *secret_text(const struct secret *secret);

/* A copy of `size` bytes; the old text is wiped. */
bool secret_set(struct secret *secret, const char *text, size_t size, struct error *err) MUST_CHECK;
bool secret_copy(struct secret *to, const struct secret *from, struct error *err) MUST_CHECK;
void secret_deinit(struct secret *secret);

/* For a buf that holds one: CLEANUP(secret_buf_deinit) struct buf x = SECRET_BUF_INIT(limit). */
#define SECRET_BUF_INIT(limit)                 \
    {                                          \
        .limit_bytes = (limit), .secret = true \
    }
void secret_buf_deinit(struct buf *buf);

#endif
