/* SPDX-License-Identifier: Apache-2.0 */
#include "server/handshakes.h"

#include "base/clock.h"
#include "base/log.h"

#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#define COUNTS_LIMIT_BYTES ((size_t)4 << 10)
#define LOG_NS             (60 * NS_PER_SECOND) /* between two lines of one cause */
#define PEER_BYTES         (INET6_ADDRSTRLEN + IF_NAMESIZE)

enum {
    FAILURES,
};

const struct metric_family handshake_families[] = {
    [FAILURES] = {METRIC_COUNTER,
                  "containerd_exporter_tls_handshake_failures_total",
                  "TLS handshakes with clients that failed: client_alert (the client rejected the "
                  "exporter), client_certificate (the exporter rejected the client), closed, "
                  "not_tls, parameters (none in common); absent without TLS.",
                  {"cause"}},
    {0},
};

static const struct {
    const char *name, *prefix; /* the prefix is of the log line */
} causes[TLS_FAILURES] = {
    [TLS_CLIENT_ALERT] = {"client_alert", "the client sent an alert: "},
    [TLS_CLIENT_CERTIFICATE] = {"client_certificate", "the server rejected the client: "},
    [TLS_CLOSED] = {"closed", ""},
    [TLS_NOT_TLS] = {"not_tls", ""},
    [TLS_PARAMETERS] = {"parameters", ""},
};

struct handshakes {
    struct board_slot *slot;
    pthread_mutex_t lock; /* protects what follows */
    bool shown;
    double failures[TLS_FAILURES];
    int64_t logged_ns[TLS_FAILURES]; /* 0: never */
};

/* Called with the lock held. */
static void post(struct handshakes *handshakes)
{
    CLEANUP(snapshot_unrefp)
    struct snapshot *counts = snapshot_new(handshake_families, COUNTS_LIMIT_BYTES);

    if (!counts || !handshakes->slot)
        return;
    for (size_t i = 0; i < TLS_FAILURES; i++)
        snapshot_add(counts, FAILURES, handshakes->failures[i], causes[i].name);
    board_post(handshakes->slot, counts);
}

struct handshakes *handshakes_new(struct board *board, struct error *err)
{
    struct handshakes *handshakes = calloc(1, sizeof(*handshakes));

    if (handshakes && board)
        handshakes->slot = board_add(board, NULL);
    if (!handshakes || (board && !handshakes->slot)) {
        free(handshakes);
        error_memory(err);
        return NULL;
    }
    pthread_mutex_init(&handshakes->lock, NULL);
    return handshakes;
}

void handshakes_free(struct handshakes *handshakes)
{
    if (handshakes->slot)
        board_remove(handshakes->slot);
    pthread_mutex_destroy(&handshakes->lock);
    free(handshakes);
}

void handshakes_show(struct handshakes *handshakes)
{
    LOCK_SCOPE(&handshakes->lock);

    if (!handshakes->shown)
        post(handshakes);
    handshakes->shown = true;
}

/* Returns whether a line is due. */
static bool count(struct handshakes *handshakes, enum tls_failure failure)
{
    int64_t now_ns = clock_now_ns(), logged_ns;
    LOCK_SCOPE(&handshakes->lock);

    handshakes->failures[failure]++;
    post(handshakes);
    logged_ns = handshakes->logged_ns[failure];
    if (logged_ns != 0 && now_ns < logged_ns + LOG_NS)
        return false;
    handshakes->logged_ns[failure] = now_ns;
    return true;
}

static void describe_peer(const struct sockaddr *peer, char name[PEER_BYTES])
{
    socklen_t size = peer && peer->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                         : sizeof(struct sockaddr_in);

    if (!peer || peer->sa_family == AF_UNIX ||
        getnameinfo(peer, size, name, PEER_BYTES, NULL, 0, NI_NUMERICHOST) != 0)
        strcpy(name, "local");
}

void handshakes_failed(struct handshakes *handshakes, const struct tls_handshake *handshake)
{
    char peer[PEER_BYTES];
    const char *why;
    enum tls_failure failure = tls_failure_of(handshake, &why);

    if (!count(handshakes, failure))
        return;
    describe_peer(handshake->peer, peer);
    log_with(LOG_WARN, LOG_PAIRS("client", peer, "cause", causes[failure].name),
             "a TLS handshake failed: %s%s", causes[failure].prefix, why);
}
