/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP messages as text: responses, bodies in memory, pieces of URLs. No network. */
#pragma once

#include "base/buf.h"
#include "base/cancel.h"

#include <stdint.h>

#define HTTP_ORIGIN_BYTES ((size_t)300)
#define HTTP_PORT_BYTES   ((size_t)16)

/* A request body in memory: set `source` to http_text_read and `source_arg` to a struct http_text.
 */
struct http_text {
    const struct buf *text;
    size_t sent;
};
bool http_text_read(void *arg, void *data, size_t size, size_t *n, struct error *err);
bool http_text_rewind(void *arg, struct cancel *cancel, struct error *err);

/* Seconds of the last new connection and of the response. Negative: the stage did not happen, such
 * as dns, connect and tls of a kept connection. */
struct http_times {
    double dns, connect, tls, first_byte;
};

#define HTTP_HEADERS_LIMIT_BYTES ((size_t)64 << 10)
#define HTTP_URL_LIMIT_BYTES     ((size_t)32 << 10)

struct http_response {
    int status;
    bool no_tls;         /* the TLS handshake failed because the server does not speak TLS */
    bool from_elsewhere; /* the response is of another host, after a redirect */
    bool became_get;     /* a redirect turned another method into a GET */
    struct buf url;      /* that was asked last: of the request, or of the last redirect */
    struct buf headers;  /* of the last response: "name: value\n" lines, names in lower case */
    struct buf body; /* of a response without sink, up to its limit_bytes; the rest is dropped, and
                      * a long rest ends the exchange */
    uint64_t received_bytes; /* of bodies, before any limit */
    uint64_t sent_bytes;     /* of bodies */
    struct http_times times;
    int64_t certificate_expiry; /* unix time when the first certificate of the chain expires; 0:
                                 * unknown (no TLS, or a kept connection) */
};

#define HTTP_RESPONSE_INIT(body_limit)                                                        \
    {                                                                                         \
        .url = BUF_INIT(HTTP_URL_LIMIT_BYTES), .headers = BUF_INIT(HTTP_HEADERS_LIMIT_BYTES), \
        .body = BUF_INIT(body_limit)                                                          \
    }
void http_response_deinit(struct http_response *response);

/* Empties a response for a new exchange, and keeps its memory. */
void http_response_empty(struct http_response *response);

/* Stores "Name:  value\r\n" as "name: value\n"; skips a line that is no header. */
void http_response_add_header(struct http_response *response, const char *line, size_t size);

/* Appends to the body up to its limit. The caller must add to received_bytes before. Returns false
 * once too much was dropped. */
bool http_response_add_body(struct http_response *response, const char *data, size_t size);

/* Copies the value of the header `name` (lower case), the one number `index` if it occurs
 * repeatedly. Returns false if it is absent or too long. */
bool http_response_header(const struct http_response *response, const char *name, size_t index,
                          char *out, size_t out_size);

/* Appends `text` percent-encoded for a query or form. */
void http_escape(struct buf *out, const char *text);

/* Copies scheme, host and port of a URL, without user, path and query: those may hold secrets. */
void http_origin(const char *url, char *out, size_t out_size);

/* Whether two URLs have the same scheme, host and port. A default port may be written or not; the
 * case does not count. */
bool http_same_origin(const char *a, const char *b);

/* Whether credentials for the URL `from` may be sent to the URL `to`: to the same origin, and from
 * HTTP to HTTPS of the same host if both have their default port. */
bool http_may_share_identity(const char *from, const char *to);

/* Splits the host of a URL off its port, which is "" if the URL has none. IPv6 loses its brackets.
 */
void http_host(const char *url, char host[HTTP_ORIGIN_BYTES], char port[HTTP_PORT_BYTES]);

/* Parses an IPv4 or IPv6 address to 16 bytes: IPv4 as ::ffff:a.b.c.d, so that both compare alike.
 */
bool http_address(const char *host, unsigned char address[16]);

/* Returns the reason of a status, which must not be a success. */
enum error_code http_status_reason(int status);
