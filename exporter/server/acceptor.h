/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets clients in, and out: one thread that owns the listening sockets, accepts, and ends
 * connections whose time is over or that have to give way (server/connections.h has the rules).
 *
 * It sleeps until the next deadline. It never closes the descriptor of a connection, because
 * whoever serves it may be using it: it shuts the connection down, and who serves it notices. It
 * knows nothing of HTTP.
 */
#ifndef SERVER_ACCEPTOR_H
#define SERVER_ACCEPTOR_H

#include "server/connections.h"
#include "server/listeners.h"

struct acceptor;

struct acceptor_options {
    /* Takes the descriptor over, whatever comes of it; false if it is closed already. */
    bool (*admit)(void *arg, int fd, const struct sockaddr *peer, socklen_t peer_size,
                  unsigned generation);
    void (*tidy)(void *arg); /* a connection of an old generation has left */
    void *arg;
};

struct acceptor *acceptor_new(const struct acceptor_options *options, struct error *err);
/* Opens the door; the listening sockets are its own when it succeeds. */
bool acceptor_start(struct acceptor *acceptor, const int *listeners, size_t n_listeners,
                    struct error *err) MUST_CHECK;

/* New connections belong to `generation`. */
void acceptor_generation(struct acceptor *acceptor, unsigned generation);
size_t acceptor_count(struct acceptor *acceptor, unsigned generation);

/* Closes the listening sockets and waits until everybody has left, for `limit_ns` at most. */
void acceptor_drain(struct acceptor *acceptor, int64_t limit_ns);
/* Ends every connection, and waits until all have left. */
void acceptor_stop(struct acceptor *acceptor);
void acceptor_free(struct acceptor *acceptor);

/* By those who serve a connection: from the moment that they have its descriptor until just before
 * they close it. NULL: it may not stay. */
struct connection *acceptor_take(struct acceptor *acceptor, int fd);
void acceptor_state(struct acceptor *acceptor, struct connection *connection,
                    enum connection_state state);
void acceptor_leave(struct acceptor *acceptor, struct connection *connection);
bool acceptor_wants_close(struct acceptor *acceptor, const struct connection *connection);

/* gone(arg) is called, once, from the acceptor's thread, if the client goes away; it must not wait.
 * After unwatch() returned it is not running and will not run, unless unwatch() is called by it. */
void acceptor_watch(struct acceptor *acceptor, struct connection *connection,
                    void (*gone)(void *arg), void *arg);
void acceptor_unwatch(struct acceptor *acceptor, struct connection *connection);

#endif
