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

static void wake(struct doorman *doorman)
{
    const uint64_t one = 1;

    (void)!write(doorman->alarm, &one, sizeof(one)); /* full means that it will wake, too */
}

/* ---- Who has to go ------------------------------------------------------------------------- */

/* A short reply is sent as soon as the kernel has it; whether it was read shows later. */
static bool has_unread(const struct connection *connection)
{
    int left = 0;

    return ioctl(connection->fd, SIOCOUTQ, &left) == 0 && left > 0;
}

/* A request that comes a byte at a time tells nobody that it has begun: whether bytes came since
 * the last reply was done. */
static bool has_asked(const struct connection *connection, int64_t now_ns)
{
    int64_t rested_ms = (now_ns - connection->since_ns) / NS_PER_MS;
    struct tcp_info info;
    socklen_t size = sizeof(info);

    return getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           info.tcpi_last_data_recv + SLACK_MS < rested_ms;
}

static void look(struct connection *connection, int64_t now_ns)
{
    connection->look_ns = now_ns + LOOK_NS;
    if (has_unread(connection)) {
        connection->state = CONNECTION_READING;
        doorman_cut(connection);
    } else if (has_asked(connection, now_ns)) {
        connection_enter(connection, CONNECTION_ASKING, now_ns);
    }
}

/* Called with the lock held. */
static void sweep(struct doorman *doorman)
{
    int64_t now_ns = clock_now_ns();
    struct connection *connection = NULL;

    while ((connection = connections_overdue(&doorman->table, connection, now_ns)))
        doorman_cut(connection);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        connection = &doorman->table.items[i];
        if (connection->fd >= 0 && !connection->cut && connection->look_ns <= now_ns)
            look(connection, now_ns);
    }
}

/* Tells whoever waits for the client that it has gone away. */
static void tell(struct doorman *doorman, struct connection *connection, uint64_t id)
{
    void (*gone)(void *arg);
    void *arg;

    pthread_mutex_lock(&doorman->lock);
    if (connection->fd < 0 || connection->id != id || !connection->watched) {
        pthread_mutex_unlock(&doorman->lock);
        return;
    }
    connection->watched = false;
    gone = connection->gone;
    arg = connection->gone_arg;
    doorman->telling = id;
    pthread_mutex_unlock(&doorman->lock);
    gone(arg);
    pthread_mutex_lock(&doorman->lock);
    doorman->telling = 0;
    pthread_cond_broadcast(&doorman->changed);
    pthread_mutex_unlock(&doorman->lock);
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

/* What to wait for. Called with the lock held. */
static size_t prepare(struct doorman *doorman)
{
    bool open = doorman->paused_ns == 0 && doorman->table.count < CONNECTIONS_MAX;
    size_t n = 0;

    doorman->polled[n++] = (struct pollfd){.fd = doorman->alarm, .events = POLLIN};
    for (size_t i = 0; i < doorman->n_listeners; i++)
        doorman->polled[n++] =
            (struct pollfd){.fd = open ? doorman->listeners[i] : -1, .events = POLLIN};
    doorman->n_polled = 0;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &doorman->table.items[i];

        if (connection->fd < 0 || !connection->watched)
            continue;
        doorman->polled[n++] = (struct pollfd){.fd = connection->fd, .events = POLLRDHUP};
        doorman->polled_connections[doorman->n_polled] = connection;
        doorman->polled_ids[doorman->n_polled++] = connection->id;
    }
    doorman->armed_ns = connections_next_ns(&doorman->table);
    if (doorman->paused_ns != 0 && doorman->paused_ns < doorman->armed_ns)
        doorman->armed_ns = doorman->paused_ns;
    return n;
}

static void handle(struct doorman *doorman)
{
    const struct pollfd *polled = doorman->polled;
    uint64_t drained;

    if (polled[0].revents)
        (void)!read(doorman->alarm, &drained, sizeof(drained));
    if (doorman->paused_ns != 0 && clock_now_ns() >= doorman->paused_ns)
        doorman->paused_ns = 0;
    for (size_t i = 0; i < doorman->n_polled; i++)
        if (polled[1 + doorman->n_listeners + i].revents)
            tell(doorman, doorman->polled_connections[i], doorman->polled_ids[i]);
    for (size_t i = 0; i < doorman->n_listeners; i++)
        if (polled[1 + i].revents)
            doorman_accept(doorman, doorman->listeners[i]);
}

static void *run(void *arg)
{
    struct doorman *doorman = arg;
    struct timespec left;
    bool tidy;
    size_t n;

    pthread_mutex_lock(&doorman->lock);
    while (!doorman->stopping) {
        sweep(doorman);
        n = prepare(doorman);
        pthread_mutex_unlock(&doorman->lock);
        if (ppoll(doorman->polled, n, time_left(doorman->armed_ns, &left), NULL) > 0 ||
            doorman->paused_ns != 0)
            handle(doorman);
        pthread_mutex_lock(&doorman->lock);
        doorman->armed_ns = INT64_MIN;
        tidy = doorman->left;
        doorman->left = false;
        if (doorman->draining && doorman->n_listeners > 0) {
            pthread_mutex_unlock(&doorman->lock);
            doorman_close_door(doorman);
            pthread_mutex_lock(&doorman->lock);
        }
        if (tidy) {
            pthread_mutex_unlock(&doorman->lock);
            doorman->options.tidy(doorman->options.arg);
            pthread_mutex_lock(&doorman->lock);
        }
    }
    pthread_mutex_unlock(&doorman->lock);
    return NULL;
}

struct doorman *doorman_new(const struct doorman_options *options, struct error *err)
{
    struct doorman *doorman = calloc(1, sizeof(*doorman));
    pthread_condattr_t attributes;

    if (!doorman) {
        error_memory(err);
        return NULL;
    }
    doorman->options = *options;
    doorman->alarm = -1;
    connections_init(&doorman->table);
    pthread_mutex_init(&doorman->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&doorman->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return doorman;
}

void doorman_free(struct doorman *doorman)
{
    if (doorman->alarm >= 0)
        close(doorman->alarm);
    pthread_cond_destroy(&doorman->changed);
    pthread_mutex_destroy(&doorman->lock);
    free(doorman);
}

bool doorman_start(struct doorman *doorman, const int *listeners, size_t n_listeners,
                   struct error *err)
{
    doorman->alarm = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (doorman->alarm < 0)
        return error_errno(err, errno, "cannot start the HTTP server");
    memcpy(doorman->listeners, listeners, n_listeners * sizeof(listeners[0]));
    doorman->n_listeners = n_listeners;
    doorman->started = pthread_create(&doorman->thread, NULL, run, doorman) == 0;
    return doorman->started || error_set(err, ERROR_INTERNAL, "no thread for the HTTP server");
}

/* ---- From other threads --------------------------------------------------------------------- */

void doorman_generation(struct doorman *doorman, unsigned generation)
{
    LOCK_SCOPE(&doorman->lock);

    doorman->generation = generation;
    connections_retire(&doorman->table, generation, clock_now_ns());
    doorman->left = true; /* the old one may be empty already */
    wake(doorman);
}

size_t doorman_count(struct doorman *doorman, unsigned generation)
{
    LOCK_SCOPE(&doorman->lock);

    return connections_in(&doorman->table, generation);
}

void doorman_drain(struct doorman *doorman, int64_t limit_ns)
{
    const struct timespec deadline = clock_timespec(clock_now_ns() + limit_ns);
    LOCK_SCOPE(&doorman->lock);

    doorman->draining = true;
    connections_hurry(&doorman->table, clock_now_ns());
    wake(doorman);
    while (doorman->table.count > 0 || doorman->n_listeners > 0)
        if (pthread_cond_timedwait(&doorman->changed, &doorman->lock, &deadline) != 0)
            return;
}

void doorman_stop(struct doorman *doorman)
{
    if (!doorman->started)
        return;
    pthread_mutex_lock(&doorman->lock);
    doorman->draining = doorman->ending = true;
    connections_end(&doorman->table, clock_now_ns());
    wake(doorman);
    while (doorman->table.count > 0 || doorman->n_listeners > 0)
        pthread_cond_wait(&doorman->changed, &doorman->lock);
    doorman->stopping = true;
    wake(doorman);
    pthread_mutex_unlock(&doorman->lock);
    pthread_join(doorman->thread, NULL);
    doorman->started = false;
}

struct connection *doorman_take(struct doorman *doorman, int fd)
{
    struct connection *connection;
    LOCK_SCOPE(&doorman->lock);

    connection = connections_find(&doorman->table, fd);
    if (!connection)
        return NULL;
    connection->taken = true;
    if (connection->cut)
        doorman_cut(connection);
    return connection;
}

void doorman_state(struct doorman *doorman, struct connection *connection,
                   enum connection_state state)
{
    LOCK_SCOPE(&doorman->lock);

    connection_enter(connection, state, clock_now_ns());
    if (doorman->ending || (doorman->draining && state == CONNECTION_RESTING))
        connection->deadline_ns = connection->since_ns;
    if (connection->generation != doorman->generation) /* its reply may have been made before */
        connections_retire(&doorman->table, doorman->generation, connection->since_ns);
    if (connection->deadline_ns < doorman->armed_ns)
        wake(doorman);
}

void doorman_leave(struct doorman *doorman, struct connection *connection)
{
    bool was_full;
    LOCK_SCOPE(&doorman->lock);

    was_full = doorman->table.count == CONNECTIONS_MAX;
    if (connection->generation != doorman->generation)
        doorman->left = true;
    connections_remove(&doorman->table, connection);
    if (was_full || doorman->left)
        wake(doorman);
    pthread_cond_broadcast(&doorman->changed);
}

bool doorman_wants_close(struct doorman *doorman, const struct connection *connection)
{
    LOCK_SCOPE(&doorman->lock);

    return doorman->draining || connection->generation != doorman->generation;
}

void doorman_watch(struct doorman *doorman, struct connection *connection, void (*gone)(void *arg),
                   void *arg)
{
    LOCK_SCOPE(&doorman->lock);

    connection->gone = gone;
    connection->gone_arg = arg;
    connection->watched = true;
    wake(doorman);
}

void doorman_unwatch(struct doorman *doorman, struct connection *connection)
{
    uint64_t id;
    LOCK_SCOPE(&doorman->lock);

    id = connection->id;
    connection->watched = false;
    while (doorman->telling == id && !pthread_equal(pthread_self(), doorman->thread))
        pthread_cond_wait(&doorman->changed, &doorman->lock);
}
