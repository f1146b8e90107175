/* SPDX-License-Identifier: Apache-2.0 */
#include "server/acceptor_accept.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ACCEPTS_AT_ONCE 64
#define PAUSE_NS        NS_PER_SECOND        /* without descriptors or memory */
#define WARN_NS         (60 * NS_PER_SECOND) /* at most so often */

void acceptor_cut(struct connection *connection)
{
    /* What a slow reader did not read may not stay in the kernel. */
    const struct linger reset = {.l_onoff = 1};

    connection->cut = true;
    if (!connection->taken)
        return;
    if (connection->state == CONNECTION_READING)
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    shutdown(connection->fd, SHUT_RDWR);
}

static void warn(struct acceptor *acceptor, const char *what)
{
    int64_t now_ns = clock_now_ns();

    if (acceptor->warned_ns != 0 && now_ns < acceptor->warned_ns + WARN_NS)
        return;
    acceptor->warned_ns = now_ns;
    log_warn("%s: clients that have been silent longest give way", what);
}

/* Makes room for `newcomer`; false if there is none. Called with the lock held. */
static bool make_room(struct acceptor *acceptor, struct connection *newcomer)
{
    struct connection *victim;

    if (connections_of(&acceptor->table, &newcomer->client) > CLIENT_CONNECTIONS_MAX) {
        victim = connections_victim(&acceptor->table, newcomer, true);
        if (!victim)
            return false;
        acceptor_cut(victim);
    }
    if (acceptor->table.count == CONNECTIONS_MAX) {
        acceptor->crowded = true;
        victim = connections_victim(&acceptor->table, newcomer, false);
        if (victim)
            acceptor_cut(victim);
    }
    return true;
}

/* Without descriptors: whoever is asked to go gives one back. */
static void make_pause(struct acceptor *acceptor)
{
    struct connection *victim;
    LOCK_SCOPE(&acceptor->lock);

    acceptor->paused_ns = clock_now_ns() + PAUSE_NS;
    victim = connections_victim(&acceptor->table, NULL, false);
    if (victim)
        acceptor_cut(victim);
}

static bool enter(struct acceptor *acceptor, int fd, const struct sockaddr *peer,
                  unsigned *generation)
{
    struct connection *connection;
    LOCK_SCOPE(&acceptor->lock);

    *generation = acceptor->generation;
    connection = connections_add(&acceptor->table, fd, peer, acceptor->generation, clock_now_ns());
    if (!connection)
        return false;
    if (make_room(acceptor, connection))
        return true;
    connections_remove(&acceptor->table, connection);
    return false;
}

static void forget(struct acceptor *acceptor, int fd)
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

/* False when there is nobody else, or no room for them. */
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
        make_pause(acceptor);
        return false;
    }
    if (fd < 0) /* one that gave up while it waited says nothing of the next */
        return errno != EAGAIN && errno != EINVAL && errno != EBADF;
    if (!enter(acceptor, fd, (struct sockaddr *)&peer, &generation))
        close(fd);
    else if (!acceptor->options.admit(acceptor->options.arg, fd, (struct sockaddr *)&peer, size,
                                      generation))
        forget(acceptor, fd);
    if (acceptor->crowded)
        warn(acceptor, "there are as many connections as there may be");
    acceptor->crowded = false;
    return true;
}

void acceptor_accept(struct acceptor *acceptor, int listener)
{
    for (size_t i = 0; i < ACCEPTS_AT_ONCE; i++)
        if (!accept_one(acceptor, listener))
            return;
}

/* Who came before the door was closed is let in. */
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
        connections_hurry(&acceptor->table, clock_now_ns());
    pthread_cond_broadcast(&acceptor->changed);
    pthread_mutex_unlock(&acceptor->lock);
}
