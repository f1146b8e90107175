/* SPDX-License-Identifier: Apache-2.0 */
#include "server/acceptor_accept.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ACCEPTS_AT_ONCE 64
#define PAUSE_NS        NS_PER_SECOND        /* without descriptors or memory */
#define WARN_NS         (60 * NS_PER_SECOND) /* between two warnings */

void acceptor_shutdown(struct connection *connection)
{
    /* Discards what a slow client has not read, so that the kernel does not keep it. */
    const struct linger reset = {.l_onoff = 1};

    connection->closing = true;
    if (!connection->attached)
        return;
    if (connection->state == CONNECTION_SENDING)
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    shutdown(connection->fd, SHUT_RDWR);
}

static void warn(struct acceptor *acceptor, const char *what)
{
    int64_t now_ns = clock_now_ns();

    if (acceptor->warned_ns != 0 && now_ns < acceptor->warned_ns + WARN_NS)
        return;
    acceptor->warned_ns = now_ns;
    log_warn("%s: evicting the connections that are idle longest", what);
}

/* Evicts a connection where a limit is reached; false if none can go. Called with the lock held. */
static bool evict_for(struct acceptor *acceptor, struct connection *newcomer)
{
    struct connection *victim;

    if (connections_of_client(&acceptor->table, &newcomer->client) > CLIENT_CONNECTIONS_MAX) {
        victim = connections_victim(&acceptor->table, newcomer, true);
        if (!victim)
            return false;
        acceptor_shutdown(victim);
    }
    if (acceptor->table.count == CONNECTIONS_MAX) {
        acceptor->table_full = true;
        victim = connections_victim(&acceptor->table, newcomer, false);
        if (victim)
            acceptor_shutdown(victim);
    }
    return true;
}

/* Without descriptors: evicts one connection, which gives its descriptor back. */
static void pause_accepting(struct acceptor *acceptor)
{
    struct connection *victim;
    LOCK_SCOPE(&acceptor->lock);

    acceptor->paused_ns = clock_now_ns() + PAUSE_NS;
    victim = connections_victim(&acceptor->table, NULL, false);
    if (victim)
        acceptor_shutdown(victim);
}

static bool register_connection(struct acceptor *acceptor, int fd, const struct sockaddr *peer,
                                unsigned *generation)
{
    struct connection *connection;
    LOCK_SCOPE(&acceptor->lock);

    *generation = acceptor->generation;
    connection = connections_add(&acceptor->table, fd, peer, acceptor->generation, clock_now_ns());
    if (!connection)
        return false;
    if (evict_for(acceptor, connection))
        return true;
    connections_remove(&acceptor->table, connection);
    return false;
}

static void unregister_connection(struct acceptor *acceptor, int fd)
{
    struct connection *connection;
    LOCK_SCOPE(&acceptor->lock);

    connection = connections_find(&acceptor->table, fd);
    if (connection)
        connections_remove(&acceptor->table, connection);
}

static bool is_full(struct acceptor *acceptor)
{
    LOCK_SCOPE(&acceptor->lock);

    return acceptor->table.count == CONNECTIONS_MAX;
}

/* Returns false if no client waits, or if the table is full. */
static bool accept_one(struct acceptor *acceptor, int listener)
{
    struct sockaddr_storage peer = {0};
    socklen_t size = sizeof(peer);
    unsigned generation;
    int fd;

    if (is_full(acceptor))
        return false;
    fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
        warn(acceptor, strerror(errno));
        pause_accepting(acceptor);
        return false;
    }
    if (fd < 0) /* after other errors, such as ECONNABORTED, the next client may follow */
        return errno != EAGAIN && errno != EINVAL && errno != EBADF;
    if (!register_connection(acceptor, fd, (struct sockaddr *)&peer, &generation))
        close(fd);
    else if (!acceptor->options.admit(acceptor->options.arg, fd, (struct sockaddr *)&peer, size,
                                      generation))
        unregister_connection(acceptor, fd);
    if (acceptor->table_full)
        warn(acceptor, "the limit of connections is reached");
    acceptor->table_full = false;
    return true;
}

void acceptor_accept(struct acceptor *acceptor, int listener)
{
    for (size_t i = 0; i < ACCEPTS_AT_ONCE; i++)
        if (!accept_one(acceptor, listener))
            return;
}

/* Clients that connected before the close are accepted. */
void acceptor_close_listeners(struct acceptor *acceptor)
{
    for (size_t i = 0; i < acceptor->n_listeners; i++) {
        acceptor_accept(acceptor, acceptor->listeners[i]);
        close(acceptor->listeners[i]);
    }
    pthread_mutex_lock(&acceptor->lock);
    acceptor->n_listeners = 0;
    if (acceptor->ending)
        connections_end(&acceptor->table, clock_now_ns());
    else
        connections_drain(&acceptor->table, clock_now_ns());
    pthread_cond_broadcast(&acceptor->changed);
    pthread_mutex_unlock(&acceptor->lock);
}
