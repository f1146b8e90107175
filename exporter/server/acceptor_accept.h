/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of the acceptor share: itself, and the way in. */
#ifndef SERVER_ACCEPTOR_ACCEPT_H
#define SERVER_ACCEPTOR_ACCEPT_H

#include "server/acceptor.h"

#include <poll.h>

struct acceptor {
    struct acceptor_options options;
    int listeners[LISTENERS_MAX];
    size_t n_listeners; /* only the thread changes it, with the lock held */
    int alarm;          /* an eventfd: look again */
    pthread_t thread;
    bool started;

    /* Of the thread alone: */
    int64_t paused_ns, warned_ns;
    bool crowded; /* the last to come took the last place */
    struct pollfd polled[1 + LISTENERS_MAX + CONNECTIONS_MAX];
    struct connection *polled_connections[CONNECTIONS_MAX];
    uint64_t polled_ids[CONNECTIONS_MAX];
    size_t n_polled;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* somebody left, or was told */
    struct connections table;
    int64_t armed_ns; /* the thread sleeps until then; INT64_MIN: it will look by itself */
    unsigned generation;
    uint64_t telling; /* whose gone() is running */
    bool left, draining, ending, stopping;
};

/* Lets in who waits at a listening socket; on the acceptor's thread. */
void acceptor_accept(struct acceptor *acceptor, int listener);
/* The last who waited, then nobody any more. */
void acceptor_close_listeners(struct acceptor *acceptor);

/* Tells a connection to end. Called with the lock held. */
void acceptor_cut(struct connection *connection);

#endif
