/* SPDX-License-Identifier: Apache-2.0 */
#include "server/exchange_reply.h"

#include "server/config/tls.h"
#include "server/exchange_private.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define TLS_RECORD_BYTES  ((size_t)16 << 10)
#define IOVECS_MAX        256 /* libmicrohttpd copies them into the memory of the connection */
#define TEXT_LIMIT_BYTES  ((size_t)64 << 10)
#define REPLY_HEADERS_ALL (REPLY_HEADERS_MAX + WEB_HEADERS_MAX + 3)

/* ---- Bodies --------------------------------------------------------------------------------- */

/* Copies the parts of a reply piece by piece: TLS encrypts each record anyway, and sendmsg() takes
 * IOV_MAX parts at most. */
struct stream {
    const struct iovec *parts;
    size_t n_parts, part, offset; /* the next byte is at `offset` of `part` */
    void (*release)(void *arg);
    void *arg;
};

static ssize_t stream_read(void *arg, uint64_t position, char *out, size_t max)
{
    struct stream *stream = arg;
    size_t size = 0;

    (void)position; /* where the last call ended */
    while (size < max && stream->part < stream->n_parts) {
        const struct iovec *part = &stream->parts[stream->part];
        size_t piece = part->iov_len - stream->offset;

        if (piece > max - size)
            piece = max - size;
        if (piece > 0)
            memcpy(out + size, (const char *)part->iov_base + stream->offset, piece);
        size += piece;
        stream->offset += piece;
        if (stream->offset == part->iov_len) {
            stream->part++;
            stream->offset = 0;
        }
    }
    return size > 0 ? (ssize_t)size : MHD_CONTENT_READER_END_OF_STREAM;
}

static void stream_free(void *arg)
{
    struct stream *stream = arg;

    if (stream->release)
        stream->release(stream->arg);
    free(stream);
}

static struct MHD_Response *stream_parts(const struct reply *reply)
{
    struct stream *stream = malloc(sizeof(*stream));
    struct MHD_Response *response;
    uint64_t size = 0;

    if (!stream)
        return NULL;
    *stream =
        (struct stream){reply->parts, reply->n_parts, 0, 0, reply->release, reply->release_arg};
    for (size_t i = 0; i < reply->n_parts; i++)
        size += reply->parts[i].iov_len;
    response =
        MHD_create_response_from_callback(size, TLS_RECORD_BYTES, stream_read, stream, stream_free);
    if (!response)
        free(stream);
    return response;
}

static ssize_t read_nothing(void *cls, uint64_t position, char *out, size_t size)
{
    (void)cls, (void)position, (void)out, (void)size;
    return MHD_CONTENT_READER_END_OF_STREAM;
}

/* For a HEAD request whose body was not rendered: the reply has no Content-Length. With chunked
 * encoding libmicrohttpd would send the last chunk even here, and the next reply on the connection
 * would begin with it: so chunks are off, and the connection closes. */
static struct MHD_Response *make_unknown(void)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1, read_nothing, NULL, NULL);

    if (response)
        MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    return response;
}

/* On failure the caller still owns body and parts. */
static struct MHD_Response *make_body(const struct exchange *exchange, struct reply *reply)
{
    _Static_assert(sizeof(struct MHD_IoVec) == sizeof(struct iovec) &&
                       offsetof(struct MHD_IoVec, iov_len) == offsetof(struct iovec, iov_len),
                   "struct MHD_IoVec has the layout of struct iovec");
    const struct web_config *tls = exchange->all->options.tls;
    struct MHD_Response *response;

    if (!reply->parts && reply->body.size == 0 && strcmp(exchange->method, "HEAD") == 0)
        return make_unknown();
    if (!reply->parts) {
        response = MHD_create_response_from_buffer(reply->body.size, reply->body.data,
                                                   MHD_RESPMEM_MUST_FREE);
        if (response)
            buf_take(&reply->body); /* the response owns it */
        return response;
    }
    if ((tls && tls->tls) || reply->n_parts > IOVECS_MAX)
        return stream_parts(reply);
    return MHD_create_response_from_iovec((const struct MHD_IoVec *)reply->parts,
                                          (unsigned)reply->n_parts, reply->release,
                                          reply->release_arg);
}

/* ---- Headers -------------------------------------------------------------------------------- */

struct header_list {
    struct {
        const char *name, *value;
    } items[REPLY_HEADERS_ALL];
    size_t count;
};

/* The first header of a name wins. */
static void add_header(struct header_list *list, const char *name, const char *value)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcasecmp(list->items[i].name, name) == 0)
            return;
    list->items[list->count].name = name;
    list->items[list->count++].value = value;
}

/* The reply's own headers override those of the web configuration. */
static void list_headers(const struct exchange *exchange, const struct reply *reply,
                         struct header_list *list)
{
    const struct web_config *config = exchange->config;

    if (reply->content_type)
        add_header(list, "Content-Type", reply->content_type);
    for (size_t i = 0; reply->headers[i].name; i++)
        add_header(list, reply->headers[i].name, reply->headers[i].value);
    for (size_t i = 0; config && config->headers[i].name; i++)
        add_header(list, config->headers[i].name, config->headers[i].value);
    add_header(list, "X-Content-Type-Options", "nosniff");
    if (acceptor_wants_close(exchange->all->options.acceptor, exchange->slot))
        add_header(list, "Connection", "close");
}

static void add_headers(const struct exchange *exchange, const struct reply *reply,
                        struct MHD_Response *response)
{
    struct header_list list = {.count = 0};

    list_headers(exchange, reply, &list);
    for (size_t i = 0; i < list.count; i++)
        MHD_add_response_header(response, list.items[i].name, list.items[i].value);
}

void exchange_reply(struct exchange *exchange, struct reply *reply)
{
    if (exchange->watched)
        acceptor_unwatch(exchange->all->options.acceptor, exchange->slot);
    exchange->response = make_body(exchange, reply);
    if (exchange->response)
        add_headers(exchange, reply, exchange->response);
    else if (reply->release)
        reply->release(reply->release_arg);
    exchange->status = reply->status;
    buf_deinit(&reply->body);
    exchange_wake(exchange);
}

void exchange_reply_text(struct exchange *exchange, unsigned status, const char *text)
{
    struct reply reply = {.status = status,
                          .content_type = "text/plain; charset=utf-8",
                          .body = BUF_INIT(TEXT_LIMIT_BYTES)};

    buf_append_str(&reply.body, text);
    exchange_reply(exchange, &reply);
}

/* ---- Replies past libmicrohttpd ------------------------------------------------------------- */

static const char *refusal_text(unsigned status)
{
    switch (status) {
    case 400:
        return "400 invalid Content-Length: expected a number\n";
    case 413:
        return REQUEST_BODY_TOO_LARGE;
    default:
        return REQUEST_HEADERS_TOO_LARGE;
    }
}

static void write_refusal(struct buf *out, const struct exchange *exchange, unsigned status)
{
    const struct reply reply = {.content_type = "text/plain; charset=utf-8",
                                .headers = {{"Connection", "close"}}};
    const char *text = refusal_text(status);
    struct header_list list = {.count = 0};
    time_t now = time(NULL);
    struct tm utc;
    char date[64];

    list_headers(exchange, &reply, &list);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &utc));
    buf_printf(out, "HTTP/1.1 %u %s\r\nDate: %s\r\n", status, MHD_get_reason_phrase_for(status),
               date);
    for (size_t i = 0; i < list.count; i++)
        buf_printf(out, "%s: %s\r\n", list.items[i].name, list.items[i].value);
    buf_printf(out, "Content-Length: %zu\r\n\r\n%s", strlen(text), text);
}

/* A client that does not read gets nothing: the thread must not wait. */
void exchange_refuse(const struct exchange *exchange, unsigned status)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(TEXT_LIMIT_BYTES);
    void *session = exchange_session(exchange);
    struct error err;

    write_refusal(&out, exchange, status);
    if (!buf_ok(&out, &err))
        return;
    if (session)
        (void)tls_send(session, out.data, out.size);
    else
        (void)!send(exchange->slot->fd, out.data, out.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(exchange->slot->fd, SHUT_WR);
}

void exchange_defer(struct exchange *exchange, void (*gone)(void *arg), void *arg)
{
    exchange->watched = gone != NULL;
    if (gone)
        acceptor_watch(exchange->all->options.acceptor, exchange->slot, gone, arg);
}
