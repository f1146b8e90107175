/* SPDX-License-Identifier: Apache-2.0 */
/* The headers of a reply: its own, those of the web configuration, and ours. */
#ifndef SERVER_REPLY_H
#define SERVER_REPLY_H

#include "server/server.h"

#define REPLY_HEADERS_ALL (REPLY_HEADERS_MAX + WEB_HEADERS_MAX + 3)

struct reply_header {
    const char *name, *value;
};

/* Returns how many there are. The reply's own go before those of `config`, which may be NULL. */
size_t reply_headers(const struct reply *reply, const struct web_config *config, bool close,
                     struct reply_header headers[REPLY_HEADERS_ALL]);

#endif
