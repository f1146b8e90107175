/* SPDX-License-Identifier: Apache-2.0 */
/* Replies to requests: headers, and a body in one buffer or in parts. */
#pragma once

#include "base/buf.h"

#include <sys/uio.h>

#define REPLY_HEADERS_MAX 8

struct exchange;

struct reply {
    unsigned status;
    const char *content_type;
    struct {
        const char *name, *value; /* copied; a NULL name ends the list */
    } headers[REPLY_HEADERS_MAX + 1];
    struct buf body; /* taken over */
    /* Instead of `body`: sent without a copy; release(release_arg) is called when they were sent
     * or when the client has gone. */
    const struct iovec *parts;
    size_t n_parts;
    void (*release)(void *arg);
    void *release_arg;
};

/* Must be called exactly once: from handle() or, after exchange_defer(), from any thread. Frees the
 * exchange. To HEAD only the headers are sent; Content-Length is that of the body, if there is one.
 */
void exchange_reply(struct exchange *exchange, struct reply *reply);
void exchange_reply_text(struct exchange *exchange, unsigned status, const char *text);

/* Announces a later reply: handle() must call it before another thread can reply. gone(arg), which
 * may be NULL, is called at most once, from a thread of the server, if the client closes the
 * connection first. gone() must not wait; it may call exchange_reply(), which remains due. gone()
 * may still be running while exchange_reply() runs on another thread, but not after that returned.
 */
void exchange_defer(struct exchange *exchange, void (*gone)(void *arg), void *arg);
