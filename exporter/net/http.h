/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP, as the rest of the program sees it: one blocking exchange at a time,
 * bodies streamed both ways, connections kept alive between exchanges.
 *
 * The deadline and the cancellation of the caller end any wait at once. This header
 * and http.c are the only place that knows libcurl exists. CURLcode becomes an
 * error_code here and nowhere else; an HTTP status is not an error here.
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/buf.h"
#include "base/cancel.h"

#include <stdint.h>

/* Once, before any thread. Also makes SIGPIPE ignored: TLS writes to sockets that are gone. */
void http_library_init(void);
void http_library_deinit(void);

struct http; /* connections; belongs to one thread at a time */

enum http_family {
    HTTP_FAMILY_ANY,
    HTTP_FAMILY_IPV4,
    HTTP_FAMILY_IPV6,
};

/* All strings may be NULL or "" and are copied. The proxy comes from the environment (HTTP_PROXY,
 * HTTPS_PROXY, NO_PROXY, also in lower case), as Go's programs read it: never for loopback. */
struct http_options {
    const char *ca_file;                  /* trusted instead of the system's authorities */
    const char *const *more_ca_files;     /* trusted as well; ends with NULL; may be NULL */
    const char *client_cert, *client_key; /* PEM files; without a key it is in client_cert */
    bool skip_verify;
    enum http_family family;
    int64_t dial_timeout_ns; /* 0: 30 s */
    const char *unix_socket; /* connect to this, whatever the URL says */
    const char *user_agent;
};

/* Piece of an answer's body. False ends the exchange with the sink's *err. */
typedef bool http_sink(void *arg, const void *data, size_t size, struct error *err);
/* Next piece of a request's body, at most `size` bytes, into `data`; *n = 0 is the end. */
typedef bool http_source(void *arg, void *data, size_t size, size_t *n, struct error *err);

/* A body that is in memory: `source` is http_text_read, `source_arg` one of these. */
struct http_text {
    const struct buf *text;
    size_t sent;
};
bool http_text_read(void *arg, void *data, size_t size, size_t *n, struct error *err);

struct http_request {
    const char *method; /* "GET", "HEAD", "POST", "PUT" ... */
    const char *url;
    const char *const *headers; /* "Name: value"; ends with NULL; may be NULL */
    http_source *source;        /* NULL: no body */
    void *source_arg;
    uint64_t body_bytes; /* Content-Length of the body */
    http_sink *sink;     /* gets the body of a 2xx answer, when response->status and headers are
                          * known; NULL: into response->body */
    void *sink_arg;
    bool follow_redirects; /* at most 10; credentials do not travel to another host */
};

/* Seconds of the last connection made and of the answer; a stage that did not happen (a kept
 * connection has no dns, connect, tls) is negative. */
struct http_times {
    double dns, connect, tls, first_byte;
};

#define HTTP_HEADERS_LIMIT_BYTES ((size_t)64 << 10)

struct http_response {
    int status;
    bool no_tls;         /* the handshake met something else than TLS; a bad certificate is TLS */
    bool from_elsewhere; /* redirected: the answer is another host's than the one asked */
    struct buf headers;  /* of the last answer: "name: value\n" lines, names in lower case */
    struct buf body; /* of an answer that no sink took, up to its limit_bytes; the rest is dropped,
                      * and a rest that does not end is not waited for */
    uint64_t received_bytes; /* of bodies, as they came over the network */
    uint64_t sent_bytes;     /* of bodies */
    struct http_times times;
    int64_t certificate_expiry; /* unix time when the first of the server's chain expires; 0: not
                                 * seen (no TLS, or a kept connection) */
};

#define HTTP_RESPONSE_INIT(body_limit)                                              \
    {                                                                               \
        .headers = BUF_INIT(HTTP_HEADERS_LIMIT_BYTES), .body = BUF_INIT(body_limit) \
    }
void http_response_deinit(struct http_response *response);

struct http *http_new(const struct http_options *options, struct error *err);
void http_free(struct http *http);
DEFINE_CLEANUP(struct http *, http_free)

/* True if there was an answer, whatever its status. `response` is emptied first; on failure
 * its byte counts and times still tell how far it went. */
bool http_exchange(struct http *http, const struct http_request *request,
                   struct http_response *response, struct cancel *cancel,
                   struct error *err) MUST_CHECK;

/* Value of a header (lower-case name) copied into `out`; false if absent or too long. A header
 * that came several times: number `index` of them. */
bool http_response_header(const struct http_response *response, const char *name, size_t index,
                          char *out, size_t out_size);

/* Unix time of a date as HTTP writes it; 0: it is none. */
int64_t http_date(const char *text);

/* Percent-encodes for a query or form. */
void http_escape(struct buf *out, const char *text);

#endif
