/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only file that knows libmicrohttpd.
 *
 * A request is seen four times: begin() when its first line came, handle() when its headers did and
 * again when its body did (and after each sleep), completed() when the reply was sent or nobody
 * wants it any more. The daemon has no listening sockets: the acceptor passes connections to it.
 */
#include "server/exchange_accessors.h"

#include "server/config/tls.h"
#include "server/exchange_stream.h"
#include "server/reply.h"
#include "server/request_check.h"

#include <microhttpd.h>
#include <string.h>

#define THREADS            2
#define CONNECTION_BYTES   ((size_t)32 << 10) /* request line and headers, and the reply's */
#define TLS_RECORD_BYTES   ((size_t)16 << 10)
#define IOVECS_MAX         256 /* they are copied into CONNECTION_BYTES */
#define JOINED_LIMIT_BYTES REQUEST_HEADERS_MAX

/* ---- What the request says ------------------------------------------------------------------ */

struct wanted {
    const char *name, *first;
    struct buf *joined; /* NULL: count only */
    size_t count;
};

static enum MHD_Result take_value(void *cls, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    struct wanted *wanted = cls;

    (void)kind;
    if (strcasecmp(name, wanted->name) != 0)
        return MHD_YES;
    if (wanted->count++ == 0)
        wanted->first = value ? value : "";
    if (wanted->joined) {
        buf_append_str(wanted->joined, wanted->joined->size > 0 ? ", " : "");
        buf_append_str(wanted->joined, value ? value : "");
    }
    return MHD_YES;
}

const char *exchange_header(const struct exchange *exchange, const char *name)
{
    struct wanted wanted = {name, NULL, NULL, 0};
    struct joined_header *joined;
    struct error err;

    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, take_value, &wanted);
    joined = wanted.count > 1 ? calloc(1, sizeof(*joined)) : NULL;
    if (!joined)
        return wanted.first;
    *joined = (struct joined_header){exchange->joined, BUF_INIT(JOINED_LIMIT_BYTES)};
    wanted.joined = &joined->value;
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, take_value, &wanted);
    /* It is kept for the caller; what the exchange says stays the same. */
    ((struct exchange *)exchange)->joined = joined;
    return buf_ok(&joined->value, &err) ? joined->value.data : wanted.first;
}

/* ---- The reply ------------------------------------------------------------------------------ */

static bool is_tls(const struct exchanges *all)
{
    return all->options.tls && all->options.tls->tls;
}

static struct MHD_Response *gather_parts(const struct reply *reply)
{
    struct exchange_stream *exchange_stream =
        exchange_stream_new(reply->parts, reply->n_parts, reply->release, reply->release_arg);
    struct MHD_Response *response;

    if (!exchange_stream)
        return NULL;
    response = MHD_create_response_from_callback(exchange_stream_size(exchange_stream),
                                                 TLS_RECORD_BYTES, exchange_stream_read,
                                                 exchange_stream, exchange_stream_free);
    if (!response)
        free(exchange_stream);
    return response;
}

static ssize_t read_nothing(void *cls, uint64_t position, char *out, size_t size)
{
    (void)cls, (void)position, (void)out, (void)size;
    return MHD_CONTENT_READER_END_OF_STREAM;
}

/* To a HEAD for which no page was made: how long it would be is not known, so it is not told. Where
 * MHD may send chunks it sends the last one even here, and the next reply on the connection would
 * begin with it: so there are none, and no next reply. */
static struct MHD_Response *make_unknown(void)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1, read_nothing, NULL, NULL);

    if (response)
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    return response;
}

/* On failure body and parts are still the caller's. */
static struct MHD_Response *make_body(const struct exchange *exchange, struct reply *reply)
{
    _Static_assert(sizeof(struct MHD_IoVec) == sizeof(struct iovec) &&
                       offsetof(struct MHD_IoVec, iov_len) == offsetof(struct iovec, iov_len),
                   "MHD's own name for the same thing");
    struct MHD_Response *response;

    if (!reply->parts && reply->body.size == 0 && strcmp(exchange->method, "HEAD") == 0)
        return make_unknown();
    if (!reply->parts) {
        response = MHD_create_response_from_buffer(reply->body.size, reply->body.data,
                                                   MHD_RESPMEM_MUST_FREE);
        if (response)
            buf_take(&reply->body); /* it is the response's */
        return response;
    }
    if (is_tls(exchange->all) || reply->n_parts > IOVECS_MAX)
        return gather_parts(reply);
    return MHD_create_response_from_iovec((const struct MHD_IoVec *)reply->parts,
                                          (unsigned)reply->n_parts, reply->release,
                                          reply->release_arg);
}

static struct MHD_Response *make_response(const struct exchange *exchange, struct reply *reply)
{
    struct MHD_Response *response = make_body(exchange, reply);
    struct reply_header headers[REPLY_HEADERS_ALL];
    size_t n;

    if (!response) {
        if (reply->release)
            reply->release(reply->release_arg);
        return NULL;
    }
    n = reply_headers(reply, exchange->config,
                      acceptor_wants_close(exchange->all->options.acceptor, exchange->place),
                      headers);
    for (size_t i = 0; i < n; i++)
        MHD_add_response_header(response, headers[i].name, headers[i].value);
    return response;
}

void exchange_wake(struct exchange *exchange)
{
    LOCK_SCOPE(&exchange->all->lock);

    exchange->awake = !exchange->asleep;
    if (!exchange->asleep)
        return;
    exchange->asleep = false;
    MHD_resume_connection(exchange->connection); /* and it may be gone */
}

/* True: somebody will wake it, and handle() be called again. */
static bool sleeps(struct exchange *exchange)
{
    LOCK_SCOPE(&exchange->all->lock);

    if (exchange->awake) {
        exchange->awake = false;
        return false;
    }
    exchange->asleep = true;
    MHD_suspend_connection(exchange->connection);
    return true;
}

void exchange_reply(struct exchange *exchange, struct reply *reply)
{
    if (exchange->watched)
        acceptor_unwatch(exchange->all->options.acceptor, exchange->place);
    exchange->response = make_response(exchange, reply);
    exchange->status = reply->status;
    buf_deinit(&reply->body);
    exchange_wake(exchange);
}

/* ---- The course of a request ---------------------------------------------------------------- */

static struct connection *place_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static void *begin(void *cls, const char *text, struct MHD_Connection *connection)
{
    struct exchanges *all = cls;
    struct connection *place = place_of(connection);
    struct exchange *exchange = place ? exchange_new(all, connection, place, text) : NULL;

    if (exchange)
        acceptor_state(all->options.acceptor, place, CONNECTION_ASKING);
    return exchange;
}

static enum MHD_Result send_response(struct exchange *exchange)
{
    enum MHD_Result result = MHD_NO;

    if (exchange->response) {
        acceptor_state(exchange->all->options.acceptor, exchange->place, CONNECTION_READING);
        result = MHD_queue_response(exchange->connection, exchange->status, exchange->response);
        MHD_destroy_response(TAKE(exchange->response));
    }
    return result;
}

/* Before the body came; if it is refused the connection is closed afterwards. */
static enum MHD_Result look_at_headers(struct exchange *exchange)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const char *text;
    unsigned status =
        request_check(exchange, info ? info->header_size : SIZE_MAX, exchange->uri_ok, &text);

    if (status == 0)
        return MHD_YES;
    exchange_reply_text(exchange, status, text);
    return send_response(exchange);
}

/* Calls handle() until there is a reply; true when somebody else will go on. */
static bool ask(struct exchange *exchange)
{
    struct exchanges *all = exchange->all;

    while (!exchange->called || exchange->again) {
        exchange->called = true;
        exchange->again = false;
        all->options.handle(all->options.arg, exchange);
        if (sleeps(exchange))
            return true;
    }
    return false;
}

static enum MHD_Result answer(struct exchange *exchange)
{
    if (!exchange->called)
        acceptor_state(exchange->all->options.acceptor, exchange->place, CONNECTION_SERVED);
    return ask(exchange) ? MHD_YES : send_response(exchange);
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **request_state)
{
    struct exchange *exchange = *request_state;

    (void)cls, (void)connection, (void)url, (void)version, (void)upload;
    if (!exchange)
        return MHD_NO; /* no memory */
    if (!exchange->method) {
        exchange->method = method;
        return look_at_headers(exchange);
    }
    if (*upload_size > 0) {
        exchange->body_bytes += *upload_size;
        *upload_size = 0; /* nobody wants a body */
        return exchange->body_bytes <= REQUEST_BODY_MAX ? MHD_YES : MHD_NO;
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
    if (exchange->response) /* it came when the client had gone */
        MHD_destroy_response(exchange->response);
    acceptor_state(exchange->all->options.acceptor, exchange->place, CONNECTION_RESTING);
    exchange_free(exchange);
}

static size_t leave_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls, (void)connection;
    return strlen(text);
}

static void connected(void *cls, struct MHD_Connection *connection, void **place,
                      enum MHD_ConnectionNotificationCode code)
{
    struct exchanges *all = cls;
    const union MHD_ConnectionInfo *info;
    struct error err;
    int fd;

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*place)
            acceptor_leave(all->options.acceptor, *place);
        return;
    }
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (!info)
        return;
    fd = info->connect_fd;
    *place = acceptor_take(all->options.acceptor, fd);
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (!*place || (info && info->tls_session &&
                    !tls_setup_session(all->options.tls->ready, info->tls_session, &err)))
        shutdown(fd, SHUT_RDWR);
}

/* ---- The daemon ----------------------------------------------------------------------------- */

static bool start_daemon(struct exchanges *all)
{
    const struct web_config *tls = is_tls(all) ? all->options.tls : NULL;
    const struct MHD_OptionItem keys[] = {
        {tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0,
         tls ? (void *)tls->certificate : NULL},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, tls ? (void *)tls->key : NULL},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, tls ? (void *)tls->priorities : NULL},
        {MHD_OPTION_END, 0, NULL},
    };

    all->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
            MHD_USE_ITC | (tls ? MHD_USE_TLS : 0),
        0, NULL, NULL, handle, all, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)(2 * THREADS * CONNECTIONS_MAX),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_BYTES, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_URI_LOG_CALLBACK, begin, all, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, completed, all, MHD_OPTION_NOTIFY_CONNECTION, connected, all,
        MHD_OPTION_ARRAY, keys, MHD_OPTION_END);
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
        error_set(err, ERROR_INTERNAL, "the HTTP server does not start");
        return NULL;
    }
    return TAKE(all);
}

void exchanges_stop(struct exchanges *all)
{
    /* Whoever gave the last reply may still be waking the daemon. */
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
