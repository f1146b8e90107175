/* SPDX-License-Identifier: Apache-2.0 */
#include "server/acceptor_accept.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SLACK_MS 1000 /* the kernel counts in ticks */

static void wake(struct acceptor *acceptor)
{
    const uint64_t one = 1;

    (void)!write(acceptor->wakeup_fd, &one, sizeof(one)); /* a full counter wakes it, too */
}

/* ---- Deadlines ----------------------------------------------------------------------------- */

/* The daemon considers a reply sent when the kernel has it; the client may not have read it. */
static bool has_unread_reply(const struct connection *connection)
{
    int left = 0;

    return ioctl(connection->fd, SIOCOUTQ, &left) == 0 && left > 0;
}

/* Whether bytes came since the last reply: libmicrohttpd reports a request only when its first line
 * is complete. */
static bool has_received(const struct connection *connection, int64_t now_ns)
{
    int64_t idle_ms = (now_ns - connection->since_ns) / NS_PER_MS;
    struct tcp_info info;
    socklen_t size = sizeof(info);

    return getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           info.tcpi_last_data_recv + SLACK_MS < idle_ms;
}

static void check_idle(struct connection *connection, int64_t now_ns)
{
    connection->check_ns = now_ns + IDLE_CHECK_NS;
    if (has_unread_reply(connection)) {
        connection->state = CONNECTION_SENDING;
        acceptor_shutdown(connection);
    } else if (has_received(connection, now_ns)) {
        connection_enter(connection, CONNECTION_RECEIVING, now_ns);
    }
}

/* Called with the lock held. */
static void sweep(struct acceptor *acceptor)
{
    int64_t now_ns = clock_now_ns();
    struct connection *connection = NULL;

    while ((connection = connections_expired(&acceptor->table, connection, now_ns)))
        acceptor_shutdown(connection);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        connection = &acceptor->table.items[i];
        if (connection->fd >= 0 && !connection->closing && connection->check_ns <= now_ns)
            check_idle(connection, now_ns);
    }
}

/* Calls gone() of a connection that its client has closed. */
static void notify_gone(struct acceptor *acceptor, struct connection *connection, uint64_t id)
{
    void (*gone)(void *arg);
    void *arg;

    pthread_mutex_lock(&acceptor->lock);
    if (connection->fd < 0 || connection->id != id || !connection->watched) {
        pthread_mutex_unlock(&acceptor->lock);
        return;
    }
    connection->watched = false;
    gone = connection->gone;
    arg = connection->gone_arg;
    acceptor->notifying = id;
    pthread_mutex_unlock(&acceptor->lock);
    gone(arg);
    pthread_mutex_lock(&acceptor->lock);
    acceptor->notifying = 0;
    pthread_cond_broadcast(&acceptor->changed);
    pthread_mutex_unlock(&acceptor->lock);
}

/* ---- The thread ---------------------------------------------------------------------------- */

static struct timespec *time_left(int64_t until_ns, struct timespec *out)
{
    int64_t left_ns = until_ns - clock_now_ns();

    if (until_ns == INT64_MAX)
        return NULL;
    *out = clock_timespec(left_ns > 0 ? left_ns : 0);
    return out;
}

/* Fills in what ppoll() waits for. Called with the lock held. */
static size_t prepare(struct acceptor *acceptor)
{
    bool open = acceptor->paused_ns == 0 && acceptor->table.count < CONNECTIONS_MAX;
    size_t n = 0;

    acceptor->polled[n++] = (struct pollfd){.fd = acceptor->wakeup_fd, .events = POLLIN};
    for (size_t i = 0; i < acceptor->n_listeners; i++)
        acceptor->polled[n++] =
            (struct pollfd){.fd = open ? acceptor->listeners[i] : -1, .events = POLLIN};
    acceptor->n_polled = 0;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &acceptor->table.items[i];

        if (connection->fd < 0 || !connection->watched)
            continue;
        acceptor->polled[n++] = (struct pollfd){.fd = connection->fd, .events = POLLRDHUP};
        acceptor->polled_connections[acceptor->n_polled] = connection;
        acceptor->polled_ids[acceptor->n_polled++] = connection->id;
    }
    acceptor->armed_ns = connections_next_ns(&acceptor->table);
    if (acceptor->paused_ns != 0 && acceptor->paused_ns < acceptor->armed_ns)
        acceptor->armed_ns = acceptor->paused_ns;
    return n;
}

static void handle(struct acceptor *acceptor)
{
    const struct pollfd *polled = acceptor->polled;
    uint64_t drained;

    if (polled[0].revents)
        (void)!read(acceptor->wakeup_fd, &drained, sizeof(drained));
    if (acceptor->paused_ns != 0 && clock_now_ns() >= acceptor->paused_ns)
        acceptor->paused_ns = 0;
    for (size_t i = 0; i < acceptor->n_polled; i++)
        if (polled[1 + acceptor->n_listeners + i].revents)
            notify_gone(acceptor, acceptor->polled_connections[i], acceptor->polled_ids[i]);
    for (size_t i = 0; i < acceptor->n_listeners; i++)
        if (polled[1 + i].revents)
            acceptor_accept(acceptor, acceptor->listeners[i]);
}

static void *run(void *arg)
{
    struct acceptor *acceptor = arg;
    struct timespec left;
    bool tidy;
    size_t n;

    pthread_mutex_lock(&acceptor->lock);
    while (!acceptor->stopping) {
        sweep(acceptor);
        n = prepare(acceptor);
        pthread_mutex_unlock(&acceptor->lock);
        if (ppoll(acceptor->polled, n, time_left(acceptor->armed_ns, &left), NULL) > 0 ||
            acceptor->paused_ns != 0)
            handle(acceptor);
        pthread_mutex_lock(&acceptor->lock);
        acceptor->armed_ns = INT64_MIN;
        tidy = acceptor->generation_left;
        acceptor->generation_left = false;
        if (acceptor->draining && acceptor->n_listeners > 0) {
            pthread_mutex_unlock(&acceptor->lock);
            acceptor_close_listeners(acceptor);
            pthread_mutex_lock(&acceptor->lock);
        }
        if (tidy) {
            pthread_mutex_unlock(&acceptor->lock);
            acceptor->options.tidy(acceptor->options.arg);
            pthread_mutex_lock(&acceptor->lock);
        }
    }
    pthread_mutex_unlock(&acceptor->lock);
    return NULL;
}

struct acceptor *acceptor_new(const struct acceptor_options *options, struct error *err)
{
    struct acceptor *acceptor = calloc(1, sizeof(*acceptor));
    pthread_condattr_t attributes;

    if (!acceptor) {
        error_memory(err);
        return NULL;
    }
    acceptor->options = *options;
    acceptor->wakeup_fd = -1;
    connections_init(&acceptor->table);
    pthread_mutex_init(&acceptor->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&acceptor->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return acceptor;
}

void acceptor_free(struct acceptor *acceptor)
{
    if (acceptor->wakeup_fd >= 0)
        close(acceptor->wakeup_fd);
    pthread_cond_destroy(&acceptor->changed);
    pthread_mutex_destroy(&acceptor->lock);
    free(acceptor);
}

bool acceptor_start(struct acceptor *acceptor, const int *listeners, size_t n_listeners,
                    struct error *err)
{
    acceptor->wakeup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (acceptor->wakeup_fd < 0)
        return error_errno(err, errno, "cannot start the HTTP server");
    memcpy(acceptor->listeners, listeners, n_listeners * sizeof(listeners[0]));
    acceptor->n_listeners = n_listeners;
    acceptor->started = pthread_create(&acceptor->thread, NULL, run, acceptor) == 0;
    return acceptor->started || error_set(err, ERROR_INTERNAL, "no thread for the HTTP server");
}

/* ---- From other threads --------------------------------------------------------------------- */

void acceptor_generation(struct acceptor *acceptor, unsigned generation)
{
    LOCK_SCOPE(&acceptor->lock);

    acceptor->generation = generation;
    connections_retire(&acceptor->table, generation, clock_now_ns());
    acceptor->generation_left = true; /* the old one may be empty already */
    wake(acceptor);
}

size_t acceptor_count(struct acceptor *acceptor, unsigned generation)
{
    LOCK_SCOPE(&acceptor->lock);

    return connections_of_generation(&acceptor->table, generation);
}

void acceptor_drain(struct acceptor *acceptor, int64_t limit_ns)
{
    const struct timespec deadline = clock_timespec(clock_now_ns() + limit_ns);
    LOCK_SCOPE(&acceptor->lock);

    acceptor->draining = true;
    connections_drain(&acceptor->table, clock_now_ns());
    wake(acceptor);
    while (acceptor->table.count > 0 || acceptor->n_listeners > 0)
        if (pthread_cond_timedwait(&acceptor->changed, &acceptor->lock, &deadline) != 0)
            return;
}

void acceptor_stop(struct acceptor *acceptor)
{
    if (!acceptor->started)
        return;
    pthread_mutex_lock(&acceptor->lock);
    acceptor->draining = acceptor->ending = true;
    connections_end(&acceptor->table, clock_now_ns());
    wake(acceptor);
    while (acceptor->table.count > 0 || acceptor->n_listeners > 0)
        pthread_cond_wait(&acceptor->changed, &acceptor->lock);
    acceptor->stopping = true;
    wake(acceptor);
    pthread_mutex_unlock(&acceptor->lock);
    pthread_join(acceptor->thread, NULL);
    acceptor->started = false;
}

struct connection *acceptor_attach(struct acceptor *acceptor, int fd)
{
    struct connection *connection;
    LOCK_SCOPE(&acceptor->lock);

    connection = connections_find(&acceptor->table, fd);
    if (!connection)
        return NULL;
    connection->attached = true;
    if (connection->closing)
        acceptor_shutdown(connection);
    return connection;
}

void acceptor_state(struct acceptor *acceptor, struct connection *connection,
                    enum connection_state state)
{
    LOCK_SCOPE(&acceptor->lock);

    connection_enter(connection, state, clock_now_ns());
    if (acceptor->ending || (acceptor->draining && state == CONNECTION_IDLE))
        connection->deadline_ns = connection->since_ns;
    if (connection->generation != acceptor->generation) /* its reply may predate the change */
        connections_retire(&acceptor->table, acceptor->generation, connection->since_ns);
    if (connection->deadline_ns < acceptor->armed_ns)
        wake(acceptor);
}

void acceptor_detach(struct acceptor *acceptor, struct connection *connection)
{
    bool was_full;
    LOCK_SCOPE(&acceptor->lock);

    was_full = acceptor->table.count == CONNECTIONS_MAX;
    if (connection->generation != acceptor->generation)
        acceptor->generation_left = true;
    connections_remove(&acceptor->table, connection);
    if (was_full || acceptor->generation_left)
        wake(acceptor);
    pthread_cond_broadcast(&acceptor->changed);
}

bool acceptor_wants_close(struct acceptor *acceptor, const struct connection *connection)
{
    LOCK_SCOPE(&acceptor->lock);

    return acceptor->draining || connection->generation != acceptor->generation;
}

void acceptor_watch(struct acceptor *acceptor, struct connection *connection,
                    void (*gone)(void *arg), void *arg)
{
    LOCK_SCOPE(&acceptor->lock);

    connection->gone = gone;
    connection->gone_arg = arg;
    connection->watched = true;
    wake(acceptor);
}

void acceptor_unwatch(struct acceptor *acceptor, struct connection *connection)
{
    uint64_t id;
    LOCK_SCOPE(&acceptor->lock);

    id = connection->id;
    connection->watched = false;
    while (acceptor->notifying == id && !pthread_equal(pthread_self(), acceptor->thread))
        pthread_cond_wait(&acceptor->changed, &acceptor->lock);
}
