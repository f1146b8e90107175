/* SPDX-License-Identifier: Apache-2.0 */
#include "server/exchange_request.h"

#include "base/text.h"
#include "server/config/tls.h"
#include "server/exchange_private.h"
#include "server/listen.h"

#include <string.h>

#define JOINED_LIMIT_BYTES REQUEST_HEADERS_MAX

struct header_search {
    const char *name, *first;
    struct buf *joined; /* NULL: count only */
    size_t count;
};

static enum MHD_Result collect_value(void *cls, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
    struct header_search *search = cls;

    (void)kind;
    if (strcasecmp(name, search->name) != 0)
        return MHD_YES;
    if (search->count++ == 0)
        search->first = value ? value : "";
    if (search->joined) {
        buf_append_str(search->joined, search->joined->size > 0 ? ", " : "");
        buf_append_str(search->joined, value ? value : "");
    }
    return MHD_YES;
}

const char *exchange_header(const struct exchange *exchange, const char *name)
{
    struct header_search search = {name, NULL, NULL, 0};
    struct joined_header *joined;
    struct error err;

    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, collect_value, &search);
    joined = search.count > 1 ? calloc(1, sizeof(*joined)) : NULL;
    if (!joined)
        return search.first;
    *joined = (struct joined_header){exchange->joined, BUF_INIT(JOINED_LIMIT_BYTES)};
    search.joined = &joined->value;
    MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, collect_value, &search);
    /* The list only owns memory; the request itself does not change. */
    ((struct exchange *)exchange)->joined = joined;
    return buf_ok(&joined->value, &err) ? joined->value.data : search.first;
}

const char *exchange_method(const struct exchange *exchange)
{
    return exchange->method;
}

const char *exchange_path(const struct exchange *exchange)
{
    return exchange->uri.path;
}

size_t exchange_query(const struct exchange *exchange, const char *name, const char **values,
                      size_t max)
{
    return uri_query(&exchange->uri, name, values, max);
}

bool exchange_is_local(const struct exchange *exchange)
{
    static const char *const proxies[] = {"X-Forwarded-For", "Forwarded", "Via"};

    for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++)
        if (exchange_header(exchange, proxies[i]))
            return false;
    return listen_is_local(exchange->slot->fd);
}

bool exchange_has_certificate(const struct exchange *exchange)
{
    void *session = exchange_session(exchange);

    return session && tls_has_peer_certificate(session);
}

static unsigned reject(unsigned status, const char *text, const char **why)
{
    *why = text;
    return status;
}

unsigned exchange_check(const struct exchange *exchange, const char **why)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const char *length = exchange_header(exchange, "Content-Length");
    const char *coding = exchange_header(exchange, "Transfer-Encoding");
    struct error err;
    uint64_t size = 0;

    if (!info || info->header_size > REQUEST_HEADERS_MAX)
        return reject(431, REQUEST_HEADERS_TOO_LARGE, why);
    if (!exchange->uri_ok)
        return reject(400, "400 invalid URL: expected %XX escapes without NUL, and no blanks\n",
                      why);
    if (strcmp(exchange->version, "HTTP/1.0") != 0 && !exchange_header(exchange, "Host"))
        return reject(400, "400 missing header Host\n", why);
    if (coding && (length || strcasecmp(coding, "chunked") != 0))
        return reject(400, "400 invalid Transfer-Encoding: expected chunked alone\n", why);
    if (length && !text_uint(length, &size, &err))
        return reject(400, "400 invalid Content-Length: expected a number\n", why);
    if (size > REQUEST_BODY_MAX)
        return reject(413, REQUEST_BODY_TOO_LARGE, why);
    return 0;
}
