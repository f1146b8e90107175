/* SPDX-License-Identifier: Apache-2.0 */
/* A secret text. It is wiped before its memory is freed. */
#pragma once

#include "base/buf.h"

struct secret {
    char *text; /* NULL: none. Must not appear in a message or log */
};

/* "" if there is none. */
const char *secret_text(const struct secret *secret);

/* These copy the text and wipe the old one. */
bool secret_set(struct secret *secret, const char *text, size_t size, struct error *err) MUST_CHECK;
bool secret_copy(struct secret *to, const struct secret *from, struct error *err) MUST_CHECK;
void secret_deinit(struct secret *secret);

/* For a buf that holds a secret: CLEANUP(secret_buf_deinit) struct buf x = SECRET_BUF_INIT(limit).
 */
#define SECRET_BUF_INIT(limit)                 \
    {                                          \
        .limit_bytes = (limit), .secret = true \
    }
void secret_buf_deinit(struct buf *buf);
