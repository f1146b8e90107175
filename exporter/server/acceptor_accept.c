/* SPDX-License-Identifier: Apache-2.0 */
#include "server/acceptor_accept.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ACCEPTS_AT_ONCE 64
#define PAUSE_NS        NS_PER_SECOND        /* without descriptors or memory */
#define WARN_NS         (60 * NS_PER_SECOND) /* at most so often */

void doorman_cut(struct connection *connection)
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

static void warn(struct doorman *doorman, const char *what)
{
    int64_t now_ns = clock_now_ns();

    if (doorman->warned_ns != 0 && now_ns < doorman->warned_ns + WARN_NS)
        return;
    doorman->warned_ns = now_ns;
    log_warn("%s: clients that have been silent longest give way", what);
}

/* Makes room for `newcomer`; false if there is none. Called with the lock held. */
static bool make_room(struct doorman *doorman, struct connection *newcomer)
{
    struct connection *victim;

    if (connections_of(&doorman->table, &newcomer->client) > CLIENT_CONNECTIONS_MAX) {
        victim = connections_victim(&doorman->table, newcomer, true);
        if (!victim)
            return false;
        doorman_cut(victim);
    }
    if (doorman->table.count == CONNECTIONS_MAX) {
        doorman->crowded = true;
        victim = connections_victim(&doorman->table, newcomer, false);
        if (victim)
            doorman_cut(victim);
    }
    return true;
}

/* Without descriptors: whoever is asked to go gives one back. */
static void make_pause(struct doorman *doorman)
{
    struct connection *victim;
    LOCK_SCOPE(&doorman->lock);

    doorman->paused_ns = clock_now_ns() + PAUSE_NS;
    victim = connections_victim(&doorman->table, NULL, false);
    if (victim)
        doorman_cut(victim);
}

static bool enter(struct doorman *doorman, int fd, const struct sockaddr *peer,
                  unsigned *generation)
{
    struct connection *connection;
    LOCK_SCOPE(&doorman->lock);

    *generation = doorman->generation;
    connection = connections_add(&doorman->table, fd, peer, doorman->generation, clock_now_ns());
    if (!connection)
        return false;
    if (make_room(doorman, connection))
        return true;
    connections_remove(&doorman->table, connection);
    return false;
}

static void forget(struct doorman *doorman, int fd)
{
    struct connection *connection;
    LOCK_SCOPE(&doorman->lock);

    connection = connections_find(&doorman->table, fd);
    if (connection)
        connections_remove(&doorman->table, connection);
}

static bool is_full(struct doorman *doorman)
{
    LOCK_SCOPE(&doorman->lock);

    return doorman->table.count == CONNECTIONS_MAX;
}

/* False when there is nobody else, or no room for them. */
static bool accept_one(struct doorman *doorman, int listener)
{
    struct sockaddr_storage peer = {0};
    socklen_t size = sizeof(peer);
    unsigned generation;
    int fd;

    if (is_full(doorman))
        return false;
    fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
        warn(doorman, strerror(errno));
        make_pause(doorman);
        return false;
    }
    if (fd < 0) /* one that gave up while it waited says nothing of the next */
        return errno != EAGAIN && errno != EINVAL && errno != EBADF;
    if (!enter(doorman, fd, (struct sockaddr *)&peer, &generation))
        close(fd);
    else if (!doorman->options.admit(doorman->options.arg, fd, (struct sockaddr *)&peer, size,
                                     generation))
        forget(doorman, fd);
    if (doorman->crowded)
        warn(doorman, "there are as many connections as there may be");
    doorman->crowded = false;
    return true;
}

void doorman_accept(struct doorman *doorman, int listener)
{
    for (size_t i = 0; i < ACCEPTS_AT_ONCE; i++)
        if (!accept_one(doorman, listener))
            return;
}

/* Who came before the door was closed is let in. */
void doorman_close_door(struct doorman *doorman)
{
    for (size_t i = 0; i < doorman->n_listeners; i++) {
        doorman_accept(doorman, doorman->listeners[i]);
        close(doorman->listeners[i]);
    }
    pthread_mutex_lock(&doorman->lock);
    doorman->n_listeners = 0;
    if (doorman->ending)
        connections_end(&doorman->table, clock_now_ns());
    else
        connections_hurry(&doorman->table, clock_now_ns());
    pthread_cond_broadcast(&doorman->changed);
    pthread_mutex_unlock(&doorman->lock);
}
