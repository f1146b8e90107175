/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its state: for the files exchange*.c only. */
#pragma once

#include "server/exchange.h"
#include "server/uri.h"

#include <microhttpd.h>

struct exchanges {
    struct exchanges_options options;
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock; /* protects `suspended` and `resumed` of all exchanges */
};

struct joined_header {
    struct joined_header *next;
    struct buf value;
};

struct exchange {
    struct exchanges *all;
    struct MHD_Connection *connection;
    struct connection *slot;
    struct web_config *config; /* in force when the request began; may be NULL */
    const char *method;        /* NULL: the headers are not complete */
    const char *version;       /* likewise; "HTTP/1.1" */
    struct uri uri;
    bool uri_ok;
    size_t body_bytes;
    struct exchange *next_unread; /* of the requests that are being received on this thread */
    struct joined_header *joined; /* owns what exchange_header() returned */
    enum admission admission;
    bool watched;
    bool called, again;      /* handle() was called; it must be called once more */
    bool suspended, resumed; /* resumed: exchange_wake() came before the suspension */
    struct MHD_Response *response;
    unsigned status;
    char memory[]; /* of the URI */
};

/* The gnutls_session_t of the connection; NULL: plain HTTP. */
void *exchange_session(const struct exchange *exchange);

/* Sends a reply past libmicrohttpd and ends the connection: for requests that libmicrohttpd itself
 * rejects, with a page of its own. */
void exchange_refuse(const struct exchange *exchange, unsigned status);

/* Resumes the exchange, or cancels the suspension that follows. From any thread. The exchange may
 * be freed before the call returns. */
void exchange_wake(struct exchange *exchange);
