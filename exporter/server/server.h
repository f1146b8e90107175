/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server: sockets, connections, TLS, limits. A request is a struct exchange
 * (exchange_request.h, exchange_reply.h); server_options.handle answers it and knows no sockets.
 *
 * handle() runs on one of the server's few threads and must not wait: it replies at once, or calls
 * exchange_defer() and replies later from a thread of its own. Requests that the rate limit or
 * authentication rejects never reach it. Only exchange*.c know libmicrohttpd, only config/tls.c
 * knows GnuTLS; acceptor.c accepts and ends connections.
 *
 * Limits (connections.h, exchange_request.h):
 * - 10 s for a request, from its first byte on a new connection. On a kept connection the time
 *   starts with the request line, or when the check of idle connections (every 30 s) finds bytes.
 * - 30 s for the client to read a reply. Replies left in the kernel's buffer are found by the same
 *   check.
 * - 360 s idle timeout (Prometheus keeps connections for 300 s).
 * - 16 KiB of request line and headers (431, or 414); bodies are read and discarded, up to 64 KiB
 *   (413).
 * - 512 connections, 100 per client. A new connection evicts the one that is idle longest.
 */
#pragma once

#include "server/config/web_config.h"
#include "server/exchange_reply.h"
#include "server/exchange_request.h"
#include "server/listen.h"

struct board;
struct server;

struct server_options {
    struct board *board;         /* shows the counters; must outlive the server; may be NULL */
    struct listeners *listeners; /* taken over: empty afterwards, also on failure */
    struct web_config *config;   /* NULL: no TLS, no authentication; the server takes a reference */
    /* Paths without authentication if config->open_health; ends with NULL; may be NULL. */
    const char *const *open_paths;
    void (*handle)(void *arg, struct exchange *exchange);
    void *arg;
};

struct server *server_start(const struct server_options *options, struct error *err);

/* Applies `config` to requests that begin from now on, on existing connections too. If its TLS
 * settings differ, new connections use them; existing connections may send one more request within
 * 30 s, whose reply closes the connection. On failure nothing changes. Calls must not overlap. */
bool server_apply(struct server *server, struct web_config *config, struct error *err) MUST_CHECK;

/* Graceful shutdown: accepts no more connections, and waits up to `limit_ns` for replies. */
void server_drain(struct server *server, int64_t limit_ns);
/* Ends all connections, calls gone() of deferred exchanges, and waits until every deferred exchange
 * was replied to. */
void server_stop(struct server *server);
DEFINE_CLEANUP(struct server *, server_stop)
