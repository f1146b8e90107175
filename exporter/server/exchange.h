/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and replies on connections that the acceptor accepted: one daemon of libmicrohttpd. For
 * server.c only; handlers use exchange_request.h and exchange_reply.h.
 */
#pragma once

#include "server/acceptor.h"
#include "server/server.h"

struct exchanges; /* one daemon and its requests */

struct exchanges_options {
    struct acceptor *acceptor;
    struct web_config *tls; /* NULL, or one without TLS: plain HTTP */
    /* Returns a reference to the configuration that applies to a new request; or NULL. */
    struct web_config *(*config)(void *arg);
    void (*handle)(void *arg, struct exchange *exchange); /* again after exchange_again() */
    /* From a thread of the server. */
    void (*handshake_failed)(void *arg, const struct tls_handshake *handshake);
    void *arg;
};

struct exchanges *exchanges_start(const struct exchanges_options *options, struct error *err);
/* Every connection must have ended. */
void exchanges_stop(struct exchanges *exchanges);
DEFINE_CLEANUP(struct exchanges *, exchanges_stop)

/* Takes the descriptor over. Returns false if it is already closed. */
bool exchanges_add(struct exchanges *exchanges, int fd, const struct sockaddr *peer,
                   socklen_t peer_size);

struct web_config *exchange_config(const struct exchange *exchange);

/* Authentication runs once per request; the exchange keeps its result. */
enum admission {
    ADMISSION_UNKNOWN,
    ADMISSION_GRANTED,
    ADMISSION_DENIED,
};
enum admission exchange_admission(const struct exchange *exchange);

/* From any thread, when handle() has not replied: a thread of the server calls handle() again. */
void exchange_again(struct exchange *exchange, enum admission admission);
