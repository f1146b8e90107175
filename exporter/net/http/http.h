/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP client: one blocking exchange at a time, bodies streamed both ways, connections kept
 * alive between exchanges.
 *
 * The deadline and the cancellation of the caller end any wait at once. Only http*.c use
 * libcurl: http_failure.c converts a CURLcode to an error_code. An HTTP status is not an error
 * here.
 */
#pragma once

#include "base/cancel.h"
#include "net/http/http_message.h"

/* Must be called once before other threads start. Ignores SIGPIPE, because TLS may write to a
 * closed socket. */
void http_library_init(void);
void http_library_deinit(void);

struct http; /* connections; used by one thread at a time */

enum http_family {
    HTTP_FAMILY_ANY,
    HTTP_FAMILY_IPV4,
    HTTP_FAMILY_IPV6,
};

/* All strings may be NULL or "" and are copied. The proxy comes from the environment
 * (net/http/proxy.h).
 */
struct http_options {
    const char *ca_file;              /* replaces the system's certificates */
    const char *const *more_ca_files; /* trusted in addition; ends with NULL; may be NULL */
    const char *client_cert,
        *client_key; /* PEM files; without client_key, client_cert has the key */
    bool skip_verify;
    enum http_family family;
    int64_t dial_timeout_ns; /* 0: 30 s */
    const char *unix_socket; /* connect to this socket instead of the URL's host */
    const char *user_agent;
};

/* Opens ca_file, client_cert and client_key as an exchange does. ERROR_INVALID or ERROR_TLS if one
 * cannot be read, has no certificate or key, or does not fit; *file is then the path at fault. */
bool http_check_files(const struct http_options *options, const char **file,
                      struct error *err) MUST_CHECK;

/* Receives a piece of a response body. Returning false ends the exchange with *err. */
typedef bool http_sink(void *arg, const void *data, size_t size, struct error *err);
/* Appends to `arg`, a struct buf. */
http_sink http_sink_to_buf;
/* Returns the next piece of a request body, at most `size` bytes; *n = 0 is the end. */
typedef bool http_source(void *arg, void *data, size_t size, size_t *n, struct error *err);
/* Starts the body again. */
typedef bool http_rewind(void *arg, struct cancel *cancel, struct error *err);
/* *header: the "Authorization: ..." for `url`, which a redirect to another host leads to; NULL:
 * none. It must stay valid until the exchange ends. */
typedef bool http_identity(void *arg, const char *url, const char **header, struct error *err);

struct http_request {
    const char *method; /* "GET", "HEAD", "POST", "PUT" ... */
    const char *url;
    const char *const *headers; /* "Name: value"; ends with NULL; may be NULL */
    http_source *source;        /* NULL: no body */
    http_rewind *rewind;        /* NULL: a redirect that keeps the body is not followed */
    void *source_arg;
    uint64_t body_bytes; /* Content-Length of the body */
    bool secret_body;    /* the body must not be sent to another host */
    http_sink *sink;     /* receives the body of a 2xx response, after response->status and
                          * headers are set; NULL: the body goes to response->body */
    void *sink_arg;
    /* At most 10 redirects. As in Go, 301, 302 and 303 make a GET without body of a write, 307 and
     * 308 keep method and body. Authorization is not sent to another host, except what `identity`
     * returns for it. A redirect that is not followed is the response. */
    bool follow_redirects;
    bool url_of_server;      /* an invalid URL is ERROR_PROTOCOL, not ERROR_INVALID */
    http_identity *identity; /* may be NULL */
    void *identity_arg;
};

struct http *http_new(const struct http_options *options, struct error *err);
void http_free(struct http *http);
DEFINE_CLEANUP(struct http *, http_free)

/* Returns true if there was a response with any status. Clears `response` first. Its counts and
 * times are also set after a failure. */
bool http_exchange(struct http *http, const struct http_request *request,
                   struct http_response *response, struct cancel *cancel,
                   struct error *err) MUST_CHECK;

/* Returns the unix time of an HTTP date; 0 if it is invalid. */
int64_t http_date(const char *text);
