/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of connections: what each one is doing, and its deadline.
 *
 * A table in memory: it touches no socket and takes no lock, and the caller passes the time. An
 * entry exists exactly as long as its descriptor is open, so a caller that holds the lock of the
 * table may use `fd`.
 */
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "server/config/tls.h"

#include <stddef.h>
#include <sys/socket.h>

#define CONNECTIONS_MAX        512
#define CLIENT_CONNECTIONS_MAX 100

#define REQUEST_TIMEOUT_NS (10 * NS_PER_SECOND)  /* for the client to send headers and body */
#define REPLY_TIMEOUT_NS   (30 * NS_PER_SECOND)  /* for the client to read a reply */
#define IDLE_TIMEOUT_NS    (360 * NS_PER_SECOND) /* Prometheus keeps connections for 300 s */
#define IDLE_CHECK_NS      (30 * NS_PER_SECOND) /* between checks of an idle connection for bytes */
#define RETIRE_NS          (30 * NS_PER_SECOND) /* idle timeout after a change of configuration */
#define DRAIN_NEW_NS       (NS_PER_SECOND / 2)  /* for new connections during shutdown */

enum connection_state {
    CONNECTION_NEW,        /* no request yet */
    CONNECTION_RECEIVING,  /* a request has begun */
    CONNECTION_PROCESSING, /* the handler prepares the reply: no timeout */
    CONNECTION_SENDING,    /* the reply is being sent */
    CONNECTION_IDLE,       /* between two requests */
};

/* The unit of the limit per client: an IPv4 address, an IPv6 /64, or all unix sockets together. */
struct client {
    unsigned char bytes[16];
};

struct connection {
    int fd; /* -1: a free slot */
    enum connection_state state;
    struct client client;
    bool attached;       /* the HTTP daemon has the descriptor */
    bool closing;        /* shut down; the HTTP daemon will detach it */
    unsigned generation; /* of the TLS configuration */
    uint64_t id;         /* unique over the life of the table */
    int64_t since_ns;    /* start of this state */
    int64_t deadline_ns;
    int64_t check_ns;        /* idle: the next check for bytes */
    void (*gone)(void *arg); /* called if the client closes the connection */
    void *gone_arg;
    bool watched;
    struct tls_handshake handshake; /* the HTTP daemon's */
};

struct connections {
    struct connection items[CONNECTIONS_MAX];
    size_t count;
    uint64_t last_id;
};

void connections_init(struct connections *table);

/* Returns NULL if the table is full. */
struct connection *connections_add(struct connections *table, int fd, const struct sockaddr *peer,
                                   unsigned generation, int64_t now_ns);
void connections_remove(struct connections *table, struct connection *connection);
struct connection *connections_find(struct connections *table, int fd);

void connection_enter(struct connection *connection, enum connection_state state, int64_t now_ns);

/* How many connections `client` has, without those that are closing. */
size_t connections_of_client(const struct connections *table, const struct client *client);
/* How many connections a generation has, including those that are closing. */
size_t connections_of_generation(const struct connections *table, unsigned generation);

/* The connection to evict for `newcomer` (or NULL), among those of the same client or all. New ones
 * come first, then idle and receiving ones, then sending ones; the longest in its state wins.
 * Returns NULL if all are being processed. */
struct connection *connections_victim(struct connections *table, const struct connection *newcomer,
                                      bool same_client);

/* The next connection after `after` (NULL: the first) whose deadline has passed; or NULL. */
struct connection *connections_expired(struct connections *table, struct connection *after,
                                       int64_t now_ns);
/* The next deadline or check; INT64_MAX: none. */
int64_t connections_next_ns(const struct connections *table);

/* Idle connections of other generations end within RETIRE_NS. */
void connections_retire(struct connections *table, unsigned current, int64_t now_ns);
/* Idle connections end now, new ones within DRAIN_NEW_NS. */
void connections_drain(struct connections *table, int64_t now_ns);
/* All connections end now, also those that are being processed. */
void connections_end(struct connections *table, int64_t now_ns);

/* `peer` must be AF_INET, AF_INET6 or AF_UNIX. */
void client_of(const struct sockaddr *peer, struct client *client);
bool client_is_loopback(const struct sockaddr *peer);
