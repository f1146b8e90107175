/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is connected, what each of them is doing, and until when they may.
 *
 * A table in memory: no socket is touched here, no lock is taken, and the time is told by the
 * caller. A connection is in it for exactly as long as its descriptor is open, so whoever holds the
 * table's lock may use `fd`.
 */
#ifndef SERVER_CONNECTIONS_H
#define SERVER_CONNECTIONS_H

#include "base/clock.h"
#include "base/error.h"

#include <stddef.h>
#include <sys/socket.h>

#define CONNECTIONS_MAX        512
#define CLIENT_CONNECTIONS_MAX 100

#define ASK_NS    (10 * NS_PER_SECOND)  /* for the headers of a request, and its body */
#define READ_NS   (30 * NS_PER_SECOND)  /* for a reply to be read */
#define REST_NS   (360 * NS_PER_SECOND) /* between requests: Prometheus keeps them for 300 */
#define LOOK_NS   (30 * NS_PER_SECOND)  /* whether one that rests has begun to ask */
#define RETIRE_NS (30 * NS_PER_SECOND)  /* for those of an old configuration */
#define HURRY_NS  (NS_PER_SECOND / 2)   /* when we stop, for who came but has not asked yet */

enum connection_state {
    CONNECTION_SILENT,  /* new: has not asked for anything yet */
    CONNECTION_ASKING,  /* a request has begun */
    CONNECTION_SERVED,  /* the reply is being made: takes as long as it takes */
    CONNECTION_READING, /* the reply is being sent */
    CONNECTION_RESTING, /* between two requests */
};

/* Who counts as one: an IPv4 address, an IPv6 network of 64 bits, all that come by unix sockets. */
struct client {
    unsigned char bytes[16];
};

struct connection {
    int fd; /* -1: a free place */
    enum connection_state state;
    struct client client;
    bool taken;          /* by those who serve it */
    bool cut;            /* told to end */
    unsigned generation; /* of the configuration that it came under */
    uint64_t id;         /* never used twice */
    int64_t since_ns;    /* when it got into this state */
    int64_t deadline_ns;
    int64_t look_ns;         /* resting: when to look whether bytes came */
    void (*gone)(void *arg); /* wants to know when the client goes away */
    void *gone_arg;
    bool watched;
};

struct connections {
    struct connection items[CONNECTIONS_MAX];
    size_t count;
    uint64_t last_id;
};

void connections_init(struct connections *table);

/* NULL when the table is full. */
struct connection *connections_add(struct connections *table, int fd, const struct sockaddr *peer,
                                   unsigned generation, int64_t now_ns);
void connections_remove(struct connections *table, struct connection *connection);
struct connection *connections_find(struct connections *table, int fd);

void connection_enter(struct connection *connection, enum connection_state state, int64_t now_ns);

/* How many `client` has, or there are of a generation, without those that were cut. */
size_t connections_of(const struct connections *table, const struct client *client);
size_t connections_in(const struct connections *table, unsigned generation);

/* Who gives way to `newcomer` (or NULL): of the same client, or of all; who never asked first, then
 * who rests or asks, then who reads, and of those who has done it longest. NULL: all are being
 * served.
 */
struct connection *connections_victim(struct connections *table, const struct connection *newcomer,
                                      bool same_client);

/* The first after `after` (NULL: of all) whose time is over; or NULL. */
struct connection *connections_overdue(struct connections *table, struct connection *after,
                                       int64_t now_ns);
/* When connections_overdue() or a look may find one; INT64_MAX: never. */
int64_t connections_next_ns(const struct connections *table);

/* Those of other generations get RETIRE_NS more to rest. */
void connections_retire(struct connections *table, unsigned current, int64_t now_ns);
/* Nobody rests any more, who never asked gets HURRY_NS. */
void connections_hurry(struct connections *table, int64_t now_ns);
/* The time of all is over, also of those that are being served. */
void connections_end(struct connections *table, int64_t now_ns);

void client_of(const struct sockaddr *peer, struct client *client);
bool client_is_loopback(const struct sockaddr *peer);

#endif
