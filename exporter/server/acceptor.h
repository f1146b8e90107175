/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepts and ends connections: one thread that owns the listening sockets and enforces the
 * deadlines and limits of server/connections.h.
 *
 * It sleeps until the next deadline. It never closes the descriptor of a connection, because the
 * HTTP daemon may be using it: it shuts the socket down, and the daemon notices. It knows no HTTP.
 */
#pragma once

#include "server/connections.h"
#include "server/listen.h"

struct acceptor;

struct acceptor_options {
    /* Takes the descriptor over. Returns false if it is already closed. */
    bool (*admit)(void *arg, int fd, const struct sockaddr *peer, socklen_t peer_size,
                  unsigned generation);
    void (*tidy)(void *arg); /* a connection of an old generation has ended */
    void *arg;
};

struct acceptor *acceptor_new(const struct acceptor_options *options, struct error *err);
/* Starts to accept. On success it owns the listening sockets. */
bool acceptor_start(struct acceptor *acceptor, const int *listeners, size_t n_listeners,
                    struct error *err) MUST_CHECK;

/* New connections belong to `generation`. Any thread. */
void acceptor_generation(struct acceptor *acceptor, unsigned generation);
size_t acceptor_count(struct acceptor *acceptor, unsigned generation);

/* Closes the listening sockets and waits up to `limit_ns` until all connections have ended. */
void acceptor_drain(struct acceptor *acceptor, int64_t limit_ns);
/* Ends every connection, and waits for them. */
void acceptor_stop(struct acceptor *acceptor);
void acceptor_free(struct acceptor *acceptor);

/* For the HTTP daemon: from when it has the descriptor until just before it closes it. Returns NULL
 * if the connection must end at once. */
struct connection *acceptor_attach(struct acceptor *acceptor, int fd);
void acceptor_state(struct acceptor *acceptor, struct connection *connection,
                    enum connection_state state);
void acceptor_detach(struct acceptor *acceptor, struct connection *connection);
bool acceptor_wants_close(struct acceptor *acceptor, const struct connection *connection);

/* gone(arg) is called at most once, from the acceptor's thread, if the client closes the
 * connection; it must not wait. After acceptor_unwatch() returned, gone() is not running and will
 * not run, unless gone() itself called it. */
void acceptor_watch(struct acceptor *acceptor, struct connection *connection,
                    void (*gone)(void *arg), void *arg);
void acceptor_unwatch(struct acceptor *acceptor, struct connection *connection);
