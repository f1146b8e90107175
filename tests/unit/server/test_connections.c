/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines and evictions, at times that the test chooses. */
#include "server/connections.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define S NS_PER_SECOND

static struct connections table;

static struct connection *add(int fd, const char *address, int64_t now_ns)
{
    struct sockaddr_in peer = {.sin_family = AF_INET};

    assert_int_equal(inet_pton(AF_INET, address, &peer.sin_addr), 1);
    return connections_add(&table, fd, (struct sockaddr *)&peer, 1, now_ns);
}

static int setup(void **state)
{
    (void)state;
    connections_init(&table);
    return 0;
}

static void gives_each_state_its_timeout(void **state)
{
    static const struct {
        enum connection_state state;
        int64_t limit_ns;
    } rows[] = {
        {CONNECTION_NEW, 10 * S},
        {CONNECTION_RECEIVING, 10 * S},
        {CONNECTION_SENDING, 30 * S},
        {CONNECTION_IDLE, 360 * S},
    };
    struct connection *connection = add(7, "192.0.2.1", 5 * S);

    (void)state;
    assert_int_equal(connections_next_ns(&table), 15 * S);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        connection_enter(connection, rows[i].state, 100 * S);
        assert_null(connections_expired(&table, NULL, 100 * S + rows[i].limit_ns - 1));
        assert_ptr_equal(connections_expired(&table, NULL, 100 * S + rows[i].limit_ns), connection);
        assert_null(connections_expired(&table, connection, INT64_MAX));
    }
    assert_int_equal(connections_next_ns(&table), 130 * S); /* the idle check */
    connection_enter(connection, CONNECTION_PROCESSING, 100 * S);
    assert_null(connections_expired(&table, NULL, INT64_MAX - 1));
    assert_int_equal(connections_next_ns(&table), INT64_MAX);
}

static void does_not_count_closing_or_removed_connections(void **state)
{
    struct connection *a = add(7, "192.0.2.1", 0), *b = add(8, "192.0.2.1", 0);

    (void)state;
    assert_int_equal(connections_of_client(&table, &a->client), 2);
    a->closing = true;
    assert_int_equal(connections_of_client(&table, &b->client), 1);
    assert_ptr_equal(connections_expired(&table, NULL, INT64_MAX - 1), b);
    assert_int_equal(connections_of_generation(&table, 1), 2); /* closing ones count here */
    connections_remove(&table, a);
    connections_remove(&table, b);
    assert_int_equal(connections_of_generation(&table, 1), 0);
    assert_int_equal(table.count, 0);
    assert_int_equal(connections_next_ns(&table), INT64_MAX);
    assert_null(connections_find(&table, 7));
}

static void rejects_connections_beyond_the_limit(void **state)
{
    (void)state;
    for (int fd = 0; fd < CONNECTIONS_MAX; fd++)
        assert_non_null(add(fd, "192.0.2.1", 0));
    assert_null(add(CONNECTIONS_MAX, "192.0.2.1", 0));
    /* A descriptor that appears again was closed before the daemon attached it. */
    assert_non_null(add(3, "192.0.2.1", 0));
    assert_int_equal(table.count, CONNECTIONS_MAX);
    connections_remove(&table, connections_find(&table, 100));
    assert_int_equal(add(100, "192.0.2.1", 0)->id, CONNECTIONS_MAX + 2);
}

static void chooses_the_connection_to_evict(void **state)
{
    struct connection *served = add(1, "192.0.2.1", 0), *reading = add(2, "192.0.2.1", 0),
                      *resting = add(3, "192.0.2.1", 0), *asking = add(4, "192.0.2.1", 0),
                      *silent = add(5, "192.0.2.1", 9 * S), *other = add(6, "192.0.2.2", 0),
                      *newcomer = add(7, "192.0.2.1", 10 * S);

    (void)state;
    connection_enter(served, CONNECTION_PROCESSING, 1 * S);
    connection_enter(reading, CONNECTION_SENDING, 2 * S);
    connection_enter(resting, CONNECTION_IDLE, 4 * S);
    connection_enter(asking, CONNECTION_RECEIVING, 3 * S);
    assert_ptr_equal(connections_victim(&table, newcomer, false), other); /* the oldest new one */
    assert_ptr_equal(connections_victim(&table, newcomer, true), silent);
    silent->closing = true;
    assert_ptr_equal(connections_victim(&table, newcomer, true), asking);
    connection_enter(asking, CONNECTION_IDLE, 5 * S);
    assert_ptr_equal(connections_victim(&table, newcomer, true), resting);
    resting->closing = asking->closing = true;
    assert_ptr_equal(connections_victim(&table, newcomer, true), reading);
    reading->closing = true;
    assert_null(connections_victim(&table, newcomer, true));
}

static void groups_connections_by_client(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", true},          {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},   {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
        {"2001:db8::1", "2001:db8::2", true}, /* the same /64 */
        {"2001:db8::1", "2001:db8:0:1::1", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *texts[] = {rows[i].a, rows[i].b};
        struct client clients[2];

        for (size_t k = 0; k < 2; k++) {
            struct sockaddr_in six_less = {.sin_family = AF_INET};
            struct sockaddr_in6 six = {.sin6_family = AF_INET6};

            if (inet_pton(AF_INET, texts[k], &six_less.sin_addr) == 1) {
                client_of((struct sockaddr *)&six_less, &clients[k]);
            } else {
                assert_int_equal(inet_pton(AF_INET6, texts[k], &six.sin6_addr), 1);
                client_of((struct sockaddr *)&six, &clients[k]);
            }
        }
        assert_int_equal(memcmp(&clients[0], &clients[1], sizeof(clients[0])) == 0, rows[i].same);
    }
}

static void recognises_loopback_addresses(void **state)
{
    static const struct {
        const char *address;
        bool loopback;
    } rows[] = {
        {"::1", true},
        {"::2", false},
        {"::ffff:127.0.0.1", true},
        {"::ffff:128.0.0.1", false},
        {"2001:db8::1", false},
        {"7f00::1", false},
    };
    const struct sockaddr local = {.sa_family = AF_UNIX};

    (void)state;
    assert_true(client_is_loopback(&local));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sockaddr_in6 peer = {.sin6_family = AF_INET6};

        assert_int_equal(inet_pton(AF_INET6, rows[i].address, &peer.sin6_addr), 1);
        assert_int_equal(client_is_loopback((struct sockaddr *)&peer), rows[i].loopback);
    }
}

static void shortens_deadlines_for_reload_and_shutdown(void **state)
{
    struct connection *silent = add(1, "192.0.2.1", 0), *resting = add(2, "192.0.2.1", 0),
                      *served = add(3, "192.0.2.1", 0);

    (void)state;
    connection_enter(resting, CONNECTION_IDLE, 0);
    connection_enter(served, CONNECTION_PROCESSING, 0);
    connections_retire(&table, 1, S);
    assert_int_equal(resting->deadline_ns, IDLE_TIMEOUT_NS);
    connections_retire(&table, 2, S);
    assert_int_equal(resting->deadline_ns, S + RETIRE_NS);
    connections_drain(&table, 2 * S);
    assert_int_equal(resting->deadline_ns, 2 * S);
    assert_int_equal(silent->deadline_ns, 2 * S + DRAIN_NEW_NS);
    assert_int_equal(served->deadline_ns, INT64_MAX);
    connections_end(&table, 2 * S);
    assert_int_equal(served->deadline_ns, 2 * S);
}

#define fresh(test) cmocka_unit_test_setup(test, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fresh(gives_each_state_its_timeout),
        fresh(does_not_count_closing_or_removed_connections),
        fresh(rejects_connections_beyond_the_limit),
        fresh(chooses_the_connection_to_evict),
        fresh(groups_connections_by_client),
        fresh(recognises_loopback_addresses),
        fresh(shortens_deadlines_for_reload_and_shutdown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
