/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP server: sockets, connections, TLS, limits. What a client asks is a struct exchange; who
 * answers is told by server_options.handle, and knows nothing of sockets.
 *
 * handle() runs on one of the server's few threads and must not wait: it replies at once, or defers
 * and replies later from a thread of its own. Whoever may not ask (rate limit, password) never
 * reaches it. exchange.c is the only file that knows libmicrohttpd, tls.c the only one that knows
 * GnuTLS, acceptor.c accepts and ends connections.
 *
 * Limits (connections.h, request_check.h): 10 s for a request, from its first byte on a new
 * connection, from its first line on another (or from when it is noticed that bytes came, at most
 * 30 s), 30 s for a reply to be read (what is left to the kernel is looked at 30 s later), 360 s
 * for a connection that rests (Prometheus keeps them for 300), 16 KiB of request line and headers
 * (431, or 414), no body worth reading (413), 512 connections, 100 of one client: the one that has
 * been silent longest gives way to a new one.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "base/buf.h"
#include "server/config/web_config.h"
#include "server/listeners.h"

#include <sys/uio.h>

struct server;
struct exchange; /* one request; valid until it was replied to */

#define REPLY_HEADERS_MAX 8

struct reply {
    unsigned status;
    const char *content_type;
    struct {
        const char *name, *value; /* copied; a NULL name ends the list */
    } headers[REPLY_HEADERS_MAX + 1];
    struct buf body; /* taken over */
    /* Instead of `body`: sent as they are, and released when they were or when nobody wants them.
     */
    const struct iovec *parts;
    size_t n_parts;
    void (*release)(void *arg);
    void *release_arg;
};

struct server_options {
    struct listeners *listeners; /* taken over: empty afterwards, also on failure */
    struct web_config *config;   /* NULL: no TLS, everybody may ask; the server takes a reference */
    const char *const *open_paths; /* that need no password if config->open_health; ends with NULL;
                                    * or NULL */
    void (*handle)(void *arg, struct exchange *exchange);
    void *arg;
};

struct server *server_start(const struct server_options *options, struct error *err);

/* From now on requests are served by `config`, also those on connections that are there. If its TLS
 * is another one, new connections get that; who is connected may ask once more within 30 s, and is
 * then told to come again. On failure nothing has changed. One call at a time. */
bool server_apply(struct server *server, struct web_config *config, struct error *err) MUST_CHECK;

/* Accepts nobody any more; replies that are under way are sent, for `limit_ns` at most. */
void server_drain(struct server *server, int64_t limit_ns);
/* Ends all connections, which those that wait for a deferred reply are told by gone(); waits until
 * every deferred exchange was replied to. */
void server_stop(struct server *server);
DEFINE_CLEANUP(struct server *, server_stop)

/* "GET", "HEAD", ... */
const char *exchange_method(const struct exchange *exchange);
const char *exchange_path(const struct exchange *exchange); /* decoded, without query */
const char *exchange_header(const struct exchange *exchange,
                            const char *name); /* or NULL; repeated
                                                * ones joined with ", " */
/* The decoded values of a query parameter, which may be repeated; returns how many there are, of
 * which the first `max` are filled in. */
size_t exchange_query(const struct exchange *exchange, const char *name, const char **values,
                      size_t max);

/* Whether the client is on this machine and speaks for nobody else (no X-Forwarded-For, Forwarded
 * or Via): compressing does not pay then. */
bool exchange_is_local(const struct exchange *exchange);

/* Exactly once, from handle() or, after exchange_defer(), from any thread. The exchange is gone
 * then. To HEAD only the headers are sent; the length is that of the body, if there is one. */
void exchange_reply(struct exchange *exchange, struct reply *reply);
void exchange_reply_text(struct exchange *exchange, unsigned status, const char *text);

/* The reply comes later: called by handle(), before anybody else may reply. gone(arg) (or NULL) is
 * called, once, from a thread of the server, if the client goes away before; exchange_reply() has
 * to be called all the same, and may be by gone(), which must not wait. While exchange_reply() runs
 * on another thread gone() may still be running; once it has returned gone() never will be. */
void exchange_defer(struct exchange *exchange, void (*gone)(void *arg), void *arg);

#endif
