/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and replies on connections that somebody else accepted: one daemon of libmicrohttpd. For
 * server.c only; who answers sees exchanges as server/server.h tells.
 */
#ifndef SERVER_EXCHANGE_H
#define SERVER_EXCHANGE_H

#include "server/acceptor.h"
#include "server/server.h"

struct exchanges; /* what one daemon serves */

struct exchanges_options {
    struct acceptor *acceptor;
    struct web_config *tls; /* with its TLS, or without if it has none; NULL: without */
    /* A reference to the configuration that a new request is served by; or NULL. */
    struct web_config *(*config)(void *arg);
    void (*handle)(void *arg, struct exchange *exchange); /* again after exchange_again() */
    void *arg;
};

struct exchanges *exchanges_start(const struct exchanges_options *options, struct error *err);
/* Nobody may be connected any more. */
void exchanges_stop(struct exchanges *exchanges);
DEFINE_CLEANUP(struct exchanges *, exchanges_stop)

/* Takes the descriptor over; false if it is closed already. */
bool exchanges_add(struct exchanges *exchanges, int fd, const struct sockaddr *peer,
                   socklen_t peer_size);

struct web_config *exchange_config(const struct exchange *exchange);

/* Who may ask is found out once; what was found out is kept with the exchange. */
enum admission {
    ADMISSION_UNKNOWN,
    ADMISSION_GRANTED,
    ADMISSION_DENIED,
};
enum admission exchange_admission(const struct exchange *exchange);

/* From any thread, when handle() has not replied: it is called once more, on a thread of the
 * server.
 */
void exchange_again(struct exchange *exchange, enum admission admission);

#endif
