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

struct doorman;

struct doorman_options {
    /* Takes the descriptor over, whatever comes of it; false if it is closed already. */
    bool (*admit)(void *arg, int fd, const struct sockaddr *peer, socklen_t peer_size,
                  unsigned generation);
    void (*tidy)(void *arg); /* a connection of an old generation has left */
    void *arg;
};

struct doorman *doorman_new(const struct doorman_options *options, struct error *err);
/* Opens the door; the listening sockets are its own when it succeeds. */
bool doorman_start(struct doorman *doorman, const int *listeners, size_t n_listeners,
                   struct error *err) MUST_CHECK;

/* New connections belong to `generation`. */
void doorman_generation(struct doorman *doorman, unsigned generation);
size_t doorman_count(struct doorman *doorman, unsigned generation);

/* Closes the listening sockets and waits until everybody has left, for `limit_ns` at most. */
void doorman_drain(struct doorman *doorman, int64_t limit_ns);
/* Ends every connection, and waits until all have left. */
void doorman_stop(struct doorman *doorman);
void doorman_free(struct doorman *doorman);

/* By those who serve a connection: from the moment that they have its descriptor until just before
 * they close it. NULL: it may not stay. */
struct connection *doorman_take(struct doorman *doorman, int fd);
void doorman_state(struct doorman *doorman, struct connection *connection,
                   enum connection_state state);
void doorman_leave(struct doorman *doorman, struct connection *connection);
bool doorman_wants_close(struct doorman *doorman, const struct connection *connection);

/* gone(arg) is called, once, from the doorman's thread, if the client goes away; it must not wait.
 * After unwatch() returned it is not running and will not run, unless unwatch() is called by it. */
void doorman_watch(struct doorman *doorman, struct connection *connection, void (*gone)(void *arg),
                   void *arg);
void doorman_unwatch(struct doorman *doorman, struct connection *connection);

#endif
