/* SPDX-License-Identifier: Apache-2.0 */
/* Accepting connections, and the struct that acceptor.c and acceptor_accept.c share. */
#pragma once

#include "server/acceptor.h"

#include <poll.h>

struct acceptor {
    struct acceptor_options options;
    int listeners[LISTENERS_MAX];
    size_t n_listeners; /* changed by the thread only, with the lock held */
    int wakeup_fd;      /* an eventfd that ends the sleep */
    pthread_t thread;
    bool started;

    /* Used by the thread only: */
    int64_t paused_ns, warned_ns;
    bool table_full; /* the last connection took the last slot */
    struct pollfd polled[1 + LISTENERS_MAX + CONNECTIONS_MAX];
    struct connection *polled_connections[CONNECTIONS_MAX];
    uint64_t polled_ids[CONNECTIONS_MAX];
    size_t n_polled;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* a connection ended, or gone() returned */
    struct connections table;
    int64_t armed_ns; /* end of the thread's sleep; INT64_MIN: it is awake */
    unsigned generation;
    uint64_t notifying; /* id of the connection whose gone() is running */
    bool generation_left, draining, ending, stopping;
};

/* Accepts what waits at a listening socket. On the acceptor's thread. */
void acceptor_accept(struct acceptor *acceptor, int listener);
/* Accepts what waits, then closes the listening sockets. */
void acceptor_close_listeners(struct acceptor *acceptor);

/* Shuts the socket down, so that the daemon closes it. Called with the lock held. */
void acceptor_shutdown(struct connection *connection);
