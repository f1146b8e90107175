/* SPDX-License-Identifier: Apache-2.0 */
/* The acceptor with real sockets, and a small daemon instead of HTTP. */
#include "server/acceptor_accept.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 60000
#define FOREVER_NS  (3600 * NS_PER_SECOND)

/* Closes and detaches connections that the acceptor shut down, as the HTTP daemon does. */
static struct {
    struct acceptor *acceptor;
    pthread_t thread;
    pthread_mutex_t lock;
    _Atomic(struct connection *) slots[CONNECTIONS_MAX];
    int fds[CONNECTIONS_MAX];
    size_t n;
    unsigned generation; /* of the last connection */
    bool rejects;        /* admit() closes the descriptor */
    atomic_bool ends;
    atomic_uint admitted, detached, tidied, gone;
} server;

static int listener;

static void sleep_ms(void)
{
    nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
}

#define wait_for(condition)                                                     \
    do {                                                                        \
        for (int waited_ = 0; !(condition) && waited_ < PATIENCE_MS; waited_++) \
            sleep_ms();                                                         \
        assert_true(condition);                                                 \
    } while (0)

static bool admit(void *arg, int fd, const struct sockaddr *peer, socklen_t peer_size,
                  unsigned generation)
{
    LOCK_SCOPE(&server.lock);

    (void)arg, (void)peer, (void)peer_size;
    server.generation = generation;
    if (server.rejects) {
        close(fd);
        server.admitted++;
        return false;
    }
    server.slots[server.n] = acceptor_attach(server.acceptor, fd);
    server.fds[server.n++] = fd;
    server.admitted++;
    return true;
}

static void tidy(void *arg)
{
    (void)arg;
    server.tidied++;
}

static void on_gone(void *arg)
{
    (void)arg;
    server.gone++;
}

static bool is_shut_down(int fd)
{
    struct pollfd state = {.fd = fd, .events = POLLRDHUP};

    return poll(&state, 1, 0) == 1 && (state.revents & POLLHUP);
}

static void detach(size_t i)
{
    acceptor_detach(server.acceptor, server.slots[i]);
    close(server.fds[i]);
    server.slots[i] = NULL;
    server.detached++;
}

static void *run_daemon(void *arg)
{
    (void)arg;
    while (!server.ends) {
        pthread_mutex_lock(&server.lock);
        for (size_t i = 0; i < server.n; i++)
            if (server.slots[i] && is_shut_down(server.fds[i]))
                detach(i);
        pthread_mutex_unlock(&server.lock);
        sleep_ms();
    }
    return NULL;
}

static int set_up(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct error err;

    (void)state;
    memset(&server, 0, sizeof(server));
    pthread_mutex_init(&server.lock, NULL);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, CONNECTIONS_MAX) != 0)
        return -1;
    server.acceptor = acceptor_new(&(struct acceptor_options){admit, tidy, NULL}, &err);
    if (!server.acceptor || !acceptor_start(server.acceptor, &listener, 1, &err))
        return -1;
    acceptor_generation(server.acceptor, 1);
    return pthread_create(&server.thread, NULL, run_daemon, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    acceptor_stop(server.acceptor);
    server.ends = true;
    pthread_join(server.thread, NULL);
    acceptor_free(server.acceptor);
    pthread_mutex_destroy(&server.lock);
    return 0;
}

/* A client whose connection was admitted. */
static int connect_client(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    unsigned before = server.admitted;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
    wait_for(server.admitted > before);
    return fd;
}

static bool is_closed(int client)
{
    char byte;

    return recv(client, &byte, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
}

/* A copy of a connection, taken with the lock held. */
static struct connection copy_of(const struct connection *connection)
{
    LOCK_SCOPE(&server.acceptor->lock);

    return *connection;
}

/* The acceptor evaluates all deadlines and checks again. */
static void sweep(void)
{
    acceptor_generation(server.acceptor, server.acceptor->generation);
}

static void accepts_connections_of_the_current_generation(void **state)
{
    int first = connect_client(), second;

    (void)state;
    assert_int_equal(server.generation, 1);
    assert_false(acceptor_wants_close(server.acceptor, server.slots[0]));
    acceptor_generation(server.acceptor, 2);
    second = connect_client();
    assert_int_equal(server.generation, 2);
    assert_int_equal(acceptor_count(server.acceptor, 1), 1);
    assert_int_equal(acceptor_count(server.acceptor, 2), 1);
    assert_true(acceptor_wants_close(server.acceptor, server.slots[0]));
    assert_false(acceptor_wants_close(server.acceptor, server.slots[1]));
    close(first);
    close(second);
}

static void forgets_connections_that_are_not_admitted(void **state)
{
    int client;

    (void)state;
    server.rejects = true;
    client = connect_client();
    wait_for(acceptor_count(server.acceptor, 1) == 0);
    close(client);
}

static void tidies_when_an_old_generation_ends(void **state)
{
    int client = connect_client();
    unsigned before;

    (void)state;
    acceptor_generation(server.acceptor, 2);
    wait_for(server.tidied > 0);
    before = server.tidied;
    pthread_mutex_lock(&server.lock);
    detach(0);
    pthread_mutex_unlock(&server.lock);
    wait_for(server.tidied > before);
    assert_int_equal(acceptor_count(server.acceptor, 1), 0);
    close(client);
}

static void reports_clients_that_disconnect(void **state)
{
    int watched = connect_client(), unwatched = connect_client(), silent = connect_client();

    (void)state;
    for (size_t i = 0; i < 3; i++)
        acceptor_state(server.acceptor, server.slots[i], CONNECTION_PROCESSING);
    acceptor_watch(server.acceptor, server.slots[1], on_gone, NULL);
    acceptor_unwatch(server.acceptor, server.slots[1]);
    acceptor_watch(server.acceptor, server.slots[0], on_gone, NULL);
    close(unwatched);
    close(silent);
    close(watched);
    wait_for(server.gone > 0);
    sweep();
    assert_int_equal(server.gone, 1);
    assert_false(copy_of(server.slots[0]).watched);
}

static void shuts_down_connections_at_their_deadline(void **state)
{
    int late = connect_client(), early = connect_client();

    (void)state;
    pthread_mutex_lock(&server.acceptor->lock);
    server.slots[0]->deadline_ns = clock_now_ns() - 1;
    pthread_mutex_unlock(&server.acceptor->lock);
    sweep();
    wait_for(is_closed(late));
    assert_false(is_closed(early));
    close(late);
    close(early);
}

/* Moves an idle connection `idle_ns` back, and its check to now. */
static void age(struct connection *connection, int64_t idle_ns)
{
    acceptor_state(server.acceptor, connection, CONNECTION_IDLE);
    pthread_mutex_lock(&server.acceptor->lock);
    connection->since_ns = clock_now_ns() - idle_ns;
    connection->check_ns = clock_now_ns();
    pthread_mutex_unlock(&server.acceptor->lock);
    sweep();
}

static void notices_bytes_on_an_idle_connection(void **state)
{
    int client = connect_client();

    (void)state;
    assert_int_equal(send(client, "G", 1, MSG_NOSIGNAL), 1);
    age(server.slots[0], FOREVER_NS);
    wait_for(copy_of(server.slots[0]).state == CONNECTION_RECEIVING);
    close(client);
}

static void keeps_a_quiet_idle_connection(void **state)
{
    int client = connect_client();

    (void)state;
    age(server.slots[0], 0);
    wait_for(copy_of(server.slots[0]).check_ns > clock_now_ns() + IDLE_CHECK_NS / 2);
    assert_int_equal(copy_of(server.slots[0]).state, CONNECTION_IDLE);
    assert_false(is_closed(client));
    close(client);
}

static void ends_an_idle_connection_with_an_unread_reply(void **state)
{
    static const char bytes[65536];
    int client = connect_client();

    (void)state;
    while (send(server.fds[0], bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
        ;
    age(server.slots[0], 0);
    wait_for(server.detached == 1);
    close(client);
}

static void evicts_the_oldest_connection_of_a_client(void **state)
{
    int clients[CLIENT_CONNECTIONS_MAX + 1];

    (void)state;
    for (size_t i = 0; i < CLIENT_CONNECTIONS_MAX; i++)
        clients[i] = connect_client();
    assert_false(is_closed(clients[0]));
    clients[CLIENT_CONNECTIONS_MAX] = connect_client();
    wait_for(is_closed(clients[0]));
    assert_false(is_closed(clients[1]));
    for (size_t i = 0; i <= CLIENT_CONNECTIONS_MAX; i++)
        close(clients[i]);
}

static void rejects_a_client_whose_connections_are_all_busy(void **state)
{
    int clients[CLIENT_CONNECTIONS_MAX], more = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address;
    socklen_t size = sizeof(address);

    (void)state;
    for (size_t i = 0; i < CLIENT_CONNECTIONS_MAX; i++) {
        clients[i] = connect_client();
        acceptor_state(server.acceptor, server.slots[i], CONNECTION_PROCESSING);
    }
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(connect(more, (struct sockaddr *)&address, size), 0);
    wait_for(is_closed(more));
    assert_int_equal(server.admitted, CLIENT_CONNECTIONS_MAX);
    assert_int_equal(server.detached, 0);
    for (size_t i = 0; i < CLIENT_CONNECTIONS_MAX; i++)
        close(clients[i]);
    close(more);
}

static void drain_ends_idle_connections_and_waits_for_replies(void **state)
{
    int idle = connect_client(), busy = connect_client();

    (void)state;
    acceptor_state(server.acceptor, server.slots[0], CONNECTION_IDLE);
    acceptor_state(server.acceptor, server.slots[1], CONNECTION_PROCESSING);
    acceptor_drain(server.acceptor, 0);
    wait_for(is_closed(idle));
    assert_false(is_closed(busy));
    assert_true(acceptor_wants_close(server.acceptor, server.slots[1]));
    acceptor_state(server.acceptor, server.slots[1], CONNECTION_SENDING);
    assert_false(is_closed(busy));
    acceptor_state(server.acceptor, server.slots[1], CONNECTION_IDLE);
    wait_for(is_closed(busy));
    acceptor_drain(server.acceptor, FOREVER_NS);
    wait_for(server.detached == 2);
    close(idle);
    close(busy);
}

static void stop_ends_busy_connections(void **state)
{
    int busy = connect_client();

    (void)state;
    acceptor_state(server.acceptor, server.slots[0], CONNECTION_PROCESSING);
    acceptor_stop(server.acceptor);
    wait_for(server.detached == 1);
    assert_true(is_closed(busy));
    acceptor_stop(server.acceptor); /* again: no effect */
    close(busy);
}

static void stop_ends_busy_connections_after_a_drain(void **state)
{
    int busy = connect_client();

    (void)state;
    acceptor_state(server.acceptor, server.slots[0], CONNECTION_PROCESSING);
    acceptor_drain(server.acceptor, NS_PER_SECOND / 100);
    wait_for(fcntl(listener, F_GETFD) < 0);
    acceptor_stop(server.acceptor);
    wait_for(server.detached == 1);
    close(busy);
}

/* It evicts a connection, which gives a descriptor back, and accepts again after a pause. */
static void evicts_a_connection_without_descriptors(void **state)
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    struct rlimit limit, low;
    int first = connect_client(), more = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = (struct rlimit){(rlim_t)more + 1, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    assert_int_equal(connect(more, (struct sockaddr *)&address, size), 0);
    wait_for(server.detached >= 1);
    wait_for(server.admitted == 2); /* with the descriptor of the first */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(is_closed(first));
    close(first);
    close(more);
}

/* Its reply was rendered before the change, without "Connection: close". */
static void retires_a_connection_that_becomes_idle_after_a_reload(void **state)
{
    int client = connect_client();
    struct connection *connection = server.slots[0], copy;

    (void)state;
    acceptor_state(server.acceptor, connection, CONNECTION_IDLE);
    copy = copy_of(connection);
    assert_int_equal(copy.deadline_ns, copy.since_ns + IDLE_TIMEOUT_NS);
    acceptor_state(server.acceptor, connection, CONNECTION_SENDING);
    acceptor_generation(server.acceptor, 2);
    acceptor_state(server.acceptor, connection, CONNECTION_IDLE);
    copy = copy_of(connection);
    assert_int_equal(copy.deadline_ns, copy.since_ns + RETIRE_NS);
    close(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(accepts_connections_of_the_current_generation),
        TEST(forgets_connections_that_are_not_admitted),
        TEST(tidies_when_an_old_generation_ends),
        TEST(reports_clients_that_disconnect),
        TEST(shuts_down_connections_at_their_deadline),
        TEST(notices_bytes_on_an_idle_connection),
        TEST(keeps_a_quiet_idle_connection),
        TEST(ends_an_idle_connection_with_an_unread_reply),
        TEST(evicts_the_oldest_connection_of_a_client),
        TEST(rejects_a_client_whose_connections_are_all_busy),
        TEST(drain_ends_idle_connections_and_waits_for_replies),
        TEST(stop_ends_busy_connections),
        TEST(stop_ends_busy_connections_after_a_drain),
        TEST(evicts_a_connection_without_descriptors),
        TEST(retires_a_connection_that_becomes_idle_after_a_reload),
    };

    return cmocka_run_group_tests_name("acceptor", tests, NULL, NULL);
}
