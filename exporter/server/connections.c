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
    /* One that was closed before anybody served it has told nobody. */
    struct connection *connection = connections_find(table, fd);

    if (connection)
        connections_remove(table, connection);
    connection = connections_find(table, -1);
    if (!connection)
        return NULL;
    *connection = (struct connection){.fd = fd, .generation = generation, .id = ++table->last_id};
    client_of(peer, &connection->client);
    connection_enter(connection, CONNECTION_SILENT, now_ns);
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
        [CONNECTION_SILENT] = ASK_NS,    [CONNECTION_ASKING] = ASK_NS,
        [CONNECTION_SERVED] = INT64_MAX, [CONNECTION_READING] = READ_NS,
        [CONNECTION_RESTING] = REST_NS,
    };
    int64_t limit_ns = limits_ns[state];

    connection->state = state;
    connection->since_ns = now_ns;
    connection->deadline_ns = limit_ns == INT64_MAX ? INT64_MAX : now_ns + limit_ns;
    connection->look_ns = state == CONNECTION_RESTING ? now_ns + LOOK_NS : INT64_MAX;
}

static bool is_open(const struct connection *connection)
{
    return connection->fd >= 0 && !connection->cut;
}

size_t connections_of(const struct connections *table, const struct client *client)
{
    size_t count = 0;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        count += is_open(&table->items[i]) &&
                 memcmp(&table->items[i].client, client, sizeof(*client)) == 0;
    return count;
}

size_t connections_in(const struct connections *table, unsigned generation)
{
    size_t count = 0;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        count += table->items[i].fd >= 0 && table->items[i].generation == generation;
    return count;
}

/* Who has the higher one goes last. */
static int worth(const struct connection *connection)
{
    static const int values[] = {
        [CONNECTION_SILENT] = 0,  [CONNECTION_ASKING] = 1, [CONNECTION_RESTING] = 1,
        [CONNECTION_READING] = 2, [CONNECTION_SERVED] = 3,
    };

    return values[connection->state];
}

struct connection *connections_victim(struct connections *table, const struct connection *newcomer,
                                      bool same_client)
{
    struct connection *victim = NULL;

    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *it = &table->items[i];

        if (!is_open(it) || it == newcomer || it->state == CONNECTION_SERVED ||
            (same_client && memcmp(&it->client, &newcomer->client, sizeof(it->client)) != 0))
            continue;
        if (!victim || worth(it) < worth(victim) ||
            (worth(it) == worth(victim) && it->since_ns < victim->since_ns))
            victim = it;
    }
    return victim;
}

struct connection *connections_overdue(struct connections *table, struct connection *after,
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
        if (it->look_ns < next_ns)
            next_ns = it->look_ns;
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
        if (table->items[i].generation != current && table->items[i].state == CONNECTION_RESTING)
            bring_forward(&table->items[i], now_ns + RETIRE_NS);
}

void connections_hurry(struct connections *table, int64_t now_ns)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (table->items[i].state == CONNECTION_RESTING)
            bring_forward(&table->items[i], now_ns);
        else if (table->items[i].state == CONNECTION_SILENT)
            bring_forward(&table->items[i], now_ns + HURRY_NS);
}

void connections_end(struct connections *table, int64_t now_ns)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        table->items[i].deadline_ns = now_ns;
}
