/* SPDX-License-Identifier: Apache-2.0 */
/* One request with libcurl: its options, its callbacks, its result. Only http*.c may include it. */
#pragma once

#include "base/arena.h"
#include "net/http/http.h"
#include "net/http/proxy.h"

#include <curl/curl.h>

struct x509_store_st;

/* One of the two TLS servers of a connection. */
struct http_tls_peer {
    struct http *http;
    bool is_proxy;
};

struct http {
    CURLM *multi;
    CURL *easy;
    struct arena arena; /* of the strings of `options` */
    struct http_options options;
    struct x509_store_st *roots;        /* trusted certificates; NULL until they are needed */
    struct buf client_cert, client_key; /* PEM texts; empty until they are needed */
    /* For the callbacks of TLS, which also come for a connection that is kept or being closed. */
    struct http_tls_peer server_peer, proxy_peer;
    struct http_curl_exchange *exchange; /* in progress; NULL: none */
};

/* One exchange, for the callbacks. `failure` holds their errors: to curl they can only return
 * "stop". */
struct http_curl_exchange {
    struct http *http;
    const struct http_request *request;
    const char *url; /* of the request, or of the last redirect */
    struct http_response *response;
    struct proxy proxy;               /* of `url`; http_exchange() releases it */
    const struct http_tls_peer *peer; /* of the last handshake; NULL: none */
    bool tls_heard, tls_alert;        /* the peer sent a TLS record; one side sent a fatal alert */
    bool http_heard;                  /* instead of a record the peer sent HTTP */
    char verdict[256]; /* why the certificate of the peer is rejected; "": by OpenSSL */
    bool headers_ended;
    struct error failure;
    bool failed, satisfied; /* satisfied: the rest of the body is not needed */
    uint64_t read_bytes, sent_bytes;
    char message[CURL_ERROR_SIZE];
};

/* Sets all options of the easy handle. `headers` must stay valid until the request ends. */
bool http_curl_prepare(struct http_curl_exchange *exchange, struct curl_slist *headers,
                       struct error *err) MUST_CHECK;

/* Makes curl's list of request headers. For a foreign host `identity`, which may be NULL, replaces
 * Authorization. */
bool http_curl_headers(struct curl_slist **lines, const char *const *headers, bool foreign,
                       const char *identity, struct error *err) MUST_CHECK;
void http_curl_headers_free(struct curl_slist **lines);

long http_curl_number(CURL *easy, CURLINFO what);

/* Fills status, times and counts of the response, also after a failure. */
void http_curl_fill_response(struct http_curl_exchange *exchange);
