/* SPDX-License-Identifier: Apache-2.0 */
/* One request and what is known of it, for those who move it: exchange.c. */
#ifndef SERVER_EXCHANGE_ACCESSORS_H
#define SERVER_EXCHANGE_ACCESSORS_H

#include "server/exchange.h"
#include "server/uri.h"

struct MHD_Connection;
struct MHD_Daemon;
struct MHD_Response;

struct exchanges {
    struct exchanges_options options;
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock; /* of `asleep` and `awake` of all exchanges */
};

struct joined_header {
    struct joined_header *next;
    struct buf value;
};

struct exchange {
    struct exchanges *all;
    struct MHD_Connection *connection;
    struct connection *place;
    struct web_config *config; /* as it was when the request came; may be NULL */
    const char *method;        /* NULL: the headers have not come */
    struct uri uri;
    bool uri_ok;
    size_t body_bytes;
    struct joined_header *joined;
    enum admission admission;
    bool watched;
    bool called, again; /* handle() was; has to be once more */
    bool asleep, awake; /* awake: what it is about to sleep for has come */
    struct MHD_Response *response;
    unsigned status;
    char memory[]; /* of the URI */
};

/* `text` is the URI. NULL without memory. */
struct exchange *exchange_new(struct exchanges *all, struct MHD_Connection *connection,
                              struct connection *place, const char *text);
void exchange_free(struct exchange *exchange);

/* Says that what it sleeps for has come, or need not be waited for. It may be gone afterwards. */
void exchange_wake(struct exchange *exchange);

#endif
