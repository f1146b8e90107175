/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The course of a request, and the daemon of libmicrohttpd.
 *
 * libmicrohttpd calls begin() after the request line, handle() after the headers and again after
 * the body (and after each suspension), completed() when the reply was sent or the client has gone.
 * The daemon has no listening sockets: the acceptor passes connections to it.
 */
#include "server/exchange.h"

#include "base/text.h"
#include "server/config/tls.h"
#include "server/exchange_private.h"

#include <stdarg.h>
#include <string.h>

#define THREADS          2
#define CONNECTION_BYTES ((size_t)32 << 10) /* request line, headers, and the reply's headers */

/* The requests that this thread is receiving. */
static _Thread_local struct exchange *unread;

/* ---- One request ---------------------------------------------------------------------------- */

/* `text` is the URI. Returns NULL without memory. */
static struct exchange *exchange_new(struct exchanges *all, struct MHD_Connection *connection,
                                     struct connection *slot, const char *text)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange) + URI_MEMORY(strlen(text)));

    if (!exchange)
        return NULL;
    exchange->all = all;
    exchange->connection = connection;
    exchange->slot = slot;
    exchange->config = all->options.config(all->options.arg);
    exchange->uri_ok = uri_parse(text, exchange->memory, &exchange->uri);
    return exchange;
}

static void exchange_free(struct exchange *exchange)
{
    for (struct joined_header *next, *it = exchange->joined; it; it = next) {
        next = it->next;
        buf_deinit(&it->value);
        free(it);
    }
    if (exchange->config)
        web_config_unref(exchange->config);
    free(exchange);
}

struct web_config *exchange_config(const struct exchange *exchange)
{
    return exchange->config;
}

enum admission exchange_admission(const struct exchange *exchange)
{
    return exchange->admission;
}

void exchange_again(struct exchange *exchange, enum admission admission)
{
    exchange->admission = admission;
    exchange->again = true;
    exchange_wake(exchange);
}

void exchange_wake(struct exchange *exchange)
{
    LOCK_SCOPE(&exchange->all->lock);

    exchange->resumed = !exchange->suspended;
    if (!exchange->suspended)
        return;
    exchange->suspended = false;
    MHD_resume_connection(exchange->connection); /* the exchange may be freed from here on */
}

/* True: exchange_wake() will resume the connection, and handle() is called again then. */
static bool suspend(struct exchange *exchange)
{
    LOCK_SCOPE(&exchange->all->lock);

    if (exchange->resumed) {
        exchange->resumed = false;
        return false;
    }
    exchange->suspended = true;
    MHD_suspend_connection(exchange->connection);
    return true;
}

/* ---- The course of a request ---------------------------------------------------------------- */

static struct connection *slot_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static void *session_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

    return info ? info->tls_session : NULL;
}

void *exchange_session(const struct exchange *exchange)
{
    return session_of(exchange->connection);
}

/* The text is in the buffer of the connection. Without the query libmicrohttpd has no arguments to
 * parse, for which it may lack memory: then it would neither reply nor close the connection. */
static void hide_query(const char *text)
{
    char *query = strchr(text, '?');

    if (query)
        query[1] = '\0';
}

static void *begin(void *cls, const char *text, struct MHD_Connection *connection)
{
    struct exchanges *all = cls;
    struct connection *slot = slot_of(connection);
    struct exchange *exchange = slot ? exchange_new(all, connection, slot, text) : NULL;

    hide_query(text);
    if (!exchange)
        return NULL;
    exchange->next_unread = unread;
    unread = exchange;
    acceptor_state(all->options.acceptor, slot, CONNECTION_RECEIVING);
    return exchange;
}

/* The request was received, or has ended. */
static void leave_unread(const struct exchange *exchange)
{
    struct exchange **link = &unread;

    while (*link && *link != exchange)
        link = &(*link)->next_unread;
    if (*link)
        *link = exchange->next_unread;
}

static enum MHD_Result send_response(struct exchange *exchange)
{
    enum MHD_Result result = MHD_NO;

    if (exchange->response) {
        acceptor_state(exchange->all->options.acceptor, exchange->slot, CONNECTION_SENDING);
        result = MHD_queue_response(exchange->connection, exchange->status, exchange->response);
        MHD_destroy_response(TAKE(exchange->response));
    }
    return result;
}

/* Runs before the body was read: libmicrohttpd closes the connection after a rejection. */
static enum MHD_Result check_headers(struct exchange *exchange)
{
    const char *text;
    unsigned status = exchange_check(exchange, &text);

    if (status == 0)
        return MHD_YES;
    exchange_reply_text(exchange, status, text);
    return send_response(exchange);
}

/* Calls handle() until there is a reply. Returns true if exchange_wake() will continue. */
static bool call_handler(struct exchange *exchange)
{
    struct exchanges *all = exchange->all;

    while (!exchange->called || exchange->again) {
        exchange->called = true;
        exchange->again = false;
        all->options.handle(all->options.arg, exchange);
        if (suspend(exchange))
            return true;
    }
    return false;
}

static enum MHD_Result answer(struct exchange *exchange)
{
    leave_unread(exchange);
    if (!exchange->called)
        acceptor_state(exchange->all->options.acceptor, exchange->slot, CONNECTION_PROCESSING);
    return call_handler(exchange) ? MHD_YES : send_response(exchange);
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **request_state)
{
    struct exchange *exchange = *request_state;

    (void)cls, (void)connection, (void)url, (void)upload;
    if (!exchange)
        return MHD_NO; /* no memory */
    if (!exchange->method) {
        exchange->method = method;
        exchange->version = version;
        return check_headers(exchange);
    }
    if (*upload_size > 0) {
        exchange->body_bytes += *upload_size;
        *upload_size = 0; /* discards the body */
        if (exchange->body_bytes <= REQUEST_BODY_MAX)
            return MHD_YES;
        exchange_refuse(exchange, 413);
        return MHD_NO;
    }
    return answer(exchange);
}

static void completed(void *cls, struct MHD_Connection *connection, void **request_state,
                      enum MHD_RequestTerminationCode why)
{
    struct exchange *exchange = *request_state;

    (void)cls, (void)connection, (void)why;
    *request_state = NULL;
    if (!exchange)
        return;
    if (exchange->response) /* the client had gone before it was queued */
        MHD_destroy_response(exchange->response);
    leave_unread(exchange);
    acceptor_state(exchange->all->options.acceptor, exchange->slot, CONNECTION_IDLE);
    exchange_free(exchange);
}

static size_t leave_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls, (void)connection;
    return strlen(text);
}

static bool setup_tls(const struct exchanges *all, struct MHD_Connection *connection, int fd,
                      struct connection *slot)
{
    const union MHD_ConnectionInfo *info;
    void *session = session_of(connection);
    struct error err;

    if (!session)
        return true;
    if (!tls_setup_session(all->options.tls->ready, session, fd, &slot->handshake, &err))
        return false;
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    slot->handshake.peer = info ? info->client_addr : NULL;
    return true;
}

static void connected(void *cls, struct MHD_Connection *connection, void **slot,
                      enum MHD_ConnectionNotificationCode code)
{
    struct exchanges *all = cls;
    const union MHD_ConnectionInfo *info;
    int fd;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (!*slot)
            return;
        tls_forget(&((struct connection *)*slot)->handshake);
        acceptor_detach(all->options.acceptor, *slot);
        return;
    }
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (!info)
        return;
    fd = info->connect_fd;
    *slot = acceptor_attach(all->options.acceptor, fd);
    if (!*slot || !setup_tls(all, connection, fd, *slot))
        shutdown(fd, SHUT_RDWR);
}

/* ---- What libmicrohttpd rejects -------------------------------------------------------------- */

/* The request that libmicrohttpd is about to reject: the only one on this thread whose headers are
 * complete and not yet handled, or the only one that is being received. NULL: not known, for
 * example while it has no URL. */
static const struct exchange *find_rejected(unsigned status)
{
    for (const struct exchange *it = unread; it; it = it->next_unread)
        if (!it->method &&
            MHD_get_connection_info(it->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE))
            return it;
    return unread && !unread->next_unread && (status == 431 || status == 413) ? unread : NULL;
}

/* libmicrohttpd logs just before it sends a page of its own, which lacks the configured headers and
 * may begin twice, and just after a failed handshake, while the session exists. */
static void log_line(void *cls, const char *format, va_list args)
{
    const struct exchanges *all = cls;
    const struct tls_handshake *handshake;
    const struct exchange *exchange;
    unsigned status;

    if (text_starts_with(format, "Error: received handshake message out of context")) {
        handshake = tls_failed_handshake();
        if (handshake)
            all->options.handshake_failed(all->options.arg, handshake);
    } else if (text_starts_with(format, "Error processing request (HTTP response code is %u")) {
        status = va_arg(args, unsigned);
        exchange = find_rejected(status);
        if (exchange)
            exchange_refuse(exchange, status);
    }
}

/* ---- The daemon ----------------------------------------------------------------------------- */

static bool start_daemon(struct exchanges *all)
{
    const struct web_config *tls =
        all->options.tls && all->options.tls->tls ? all->options.tls : NULL;
    const struct MHD_OptionItem keys[] = {
        {tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0,
         tls ? (void *)tls->certificate : NULL},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, tls ? (void *)tls->key : NULL},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, tls ? (void *)tls->priorities : NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    all->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
            MHD_USE_ITC | MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : 0),
        0, NULL, NULL, handle, all, MHD_OPTION_EXTERNAL_LOGGER, log_line, all,
        MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)(2 * THREADS * CONNECTIONS_MAX), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        CONNECTION_BYTES, MHD_OPTION_URI_LOG_CALLBACK, begin, all, MHD_OPTION_UNESCAPE_CALLBACK,
        leave_escaped, NULL, MHD_OPTION_NOTIFY_COMPLETED, completed, all,
        MHD_OPTION_NOTIFY_CONNECTION, connected, all, MHD_OPTION_ARRAY, keys, MHD_OPTION_END);
    return all->daemon != NULL;
}

struct exchanges *exchanges_start(const struct exchanges_options *options, struct error *err)
{
    CLEANUP(exchanges_stopp) struct exchanges *all = calloc(1, sizeof(*all));

    if (!all) {
        error_memory(err);
        return NULL;
    }
    all->options = *options;
    pthread_mutex_init(&all->lock, NULL);
    if (options->tls)
        web_config_ref(options->tls);
    if (!start_daemon(all)) {
        error_set(err, ERROR_INTERNAL, "cannot start the HTTP server");
        return NULL;
    }
    return TAKE(all);
}

void exchanges_stop(struct exchanges *all)
{
    /* The thread that gave the last reply may still hold the lock in exchange_wake(). */
    pthread_mutex_lock(&all->lock);
    pthread_mutex_unlock(&all->lock);
    if (all->daemon)
        MHD_stop_daemon(all->daemon);
    pthread_mutex_destroy(&all->lock);
    if (all->options.tls)
        web_config_unref(all->options.tls);
    free(all);
}

bool exchanges_add(struct exchanges *all, int fd, const struct sockaddr *peer, socklen_t peer_size)
{
    return MHD_add_connection(all->daemon, fd, peer, peer_size) == MHD_YES;
}
