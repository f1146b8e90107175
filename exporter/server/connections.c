/* SPDX-License-Identifier: Apache-2.0 */
#include "server/connections.h"

#include <netinet/in.h>
#include <string.h>

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

void client_of(const struct sockaddr *peer, struct client *client)
{
    *client = (struct client){{0}};
    if (peer->sa_family == AF_INET) {
        memcpy(client->bytes, mapped, sizeof(mapped));
        memcpy(client->bytes + 12, &((const struct sockaddr_in *)peer)->sin_addr, 4);
    } else if (peer->sa_family == AF_INET6) {
        const struct in6_addr *address = &((const struct sockaddr_in6 *)peer)->sin6_addr;

        memcpy(client->bytes, address, IN6_IS_ADDR_V4MAPPED(address) ? 16 : 8);
    }
}

bool client_is_loopback(const struct sockaddr *peer)
{
    struct client client;

    if (peer->sa_family == AF_INET6 &&
        IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)peer)->sin6_addr))
        return true;
    client_of(peer, &client);
    return peer->sa_family == AF_UNIX || (memcmp(client.bytes, mapped, sizeof(mapped)) == 0 &&
                                          client.bytes[12] == IN_LOOPBACKNET);
}

void connections_init(struct connections *table)
{
    table->count = 0;
    table->last_id = 0;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        table->items[i].fd = -1;
}

struct connection *connections_find(struct connections *table, int fd)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (table->items[i].fd == fd)
            return &table->items[i];
    return NULL;
}

struct connection *connections_add(struct connections *table, int fd, const struct sockaddr *peer,
                                   unsigned generation, int64_t now_ns)
{
    /* A connection that was closed before the daemon attached it is still in the table. */
    struct connection *connection = connections_find(table, fd);

    if (connection)
        connections_remove(table, connection);
    connection = connections_find(table, -1);
    if (!connection)
        return NULL;
    *connection = (struct connection){.fd = fd, .generation = generation, .id = ++table->last_id};
    client_of(peer, &connection->client);
    connection_enter(connection, CONNECTION_NEW, now_ns);
    table->count++;
    return connection;
}

void connections_remove(struct connections *table, struct connection *connection)
{
    connection->fd = -1;
    table->count--;
}

void connection_enter(struct connection *connection, enum connection_state state, int64_t now_ns)
{
    static const int64_t limits_ns[] = {
        [CONNECTION_NEW] = REQUEST_TIMEOUT_NS, [CONNECTION_RECEIVING] = REQUEST_TIMEOUT_NS,
        [CONNECTION_PROCESSING] = INT64_MAX,   [CONNECTION_SENDING] = REPLY_TIMEOUT_NS,
        [CONNECTION_IDLE] = IDLE_TIMEOUT_NS,
    };
    int64_t limit_ns = limits_ns[state];

    connection->state = state;
    connection->since_ns = now_ns;
    connection->deadline_ns = limit_ns == INT64_MAX ? INT64_MAX : now_ns + limit_ns;
    connection->check_ns = state == CONNECTION_IDLE ? now_ns + IDLE_CHECK_NS : INT64_MAX;
}

static bool is_open(const struct connection *connection)
{
    return connection->fd >= 0 && !connection->closing;
}

size_t connections_of_client(const struct connections *table, const struct client *client)
{
    size_t count = 0;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        count += is_open(&table->items[i]) &&
                 memcmp(&table->items[i].client, client, sizeof(*client)) == 0;
    return count;
}

size_t connections_of_generation(const struct connections *table, unsigned generation)
{
    size_t count = 0;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        count += table->items[i].fd >= 0 && table->items[i].generation == generation;
    return count;
}

/* Lower ranks are evicted first. */
static int eviction_rank(const struct connection *connection)
{
    static const int values[] = {
        [CONNECTION_NEW] = 0,     [CONNECTION_RECEIVING] = 1,  [CONNECTION_IDLE] = 1,
        [CONNECTION_SENDING] = 2, [CONNECTION_PROCESSING] = 3,
    };

    return values[connection->state];
}

struct connection *connections_victim(struct connections *table, const struct connection *newcomer,
                                      bool same_client)
{
    struct connection *victim = NULL;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *it = &table->items[i];

        if (!is_open(it) || it == newcomer || it->state == CONNECTION_PROCESSING ||
            (same_client && memcmp(&it->client, &newcomer->client, sizeof(it->client)) != 0))
            continue;
        if (!victim || eviction_rank(it) < eviction_rank(victim) ||
            (eviction_rank(it) == eviction_rank(victim) && it->since_ns < victim->since_ns))
            victim = it;
    }
    return victim;
}

struct connection *connections_expired(struct connections *table, struct connection *after,
                                       int64_t now_ns)
{
    for (size_t i = after ? (size_t)(after - table->items) + 1 : 0; i < CONNECTIONS_MAX; i++)
        if (is_open(&table->items[i]) && table->items[i].deadline_ns <= now_ns)
            return &table->items[i];
    return NULL;
}

int64_t connections_next_ns(const struct connections *table)
{
    int64_t next_ns = INT64_MAX;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        const struct connection *it = &table->items[i];

        if (!is_open(it))
            continue;
        if (it->deadline_ns < next_ns)
            next_ns = it->deadline_ns;
        if (it->check_ns < next_ns)
            next_ns = it->check_ns;
    }
    return next_ns;
}

static void bring_forward(struct connection *connection, int64_t deadline_ns)
{
    if (connection->deadline_ns > deadline_ns)
        connection->deadline_ns = deadline_ns;
}

void connections_retire(struct connections *table, unsigned current, int64_t now_ns)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (table->items[i].generation != current && table->items[i].state == CONNECTION_IDLE)
            bring_forward(&table->items[i], now_ns + RETIRE_NS);
}

void connections_drain(struct connections *table, int64_t now_ns)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (table->items[i].state == CONNECTION_IDLE)
            bring_forward(&table->items[i], now_ns);
        else if (table->items[i].state == CONNECTION_NEW)
            bring_forward(&table->items[i], now_ns + DRAIN_NEW_NS);
}

void connections_end(struct connections *table, int64_t now_ns)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        table->items[i].deadline_ns = now_ns;
}
