/* SPDX-License-Identifier: Apache-2.0 */
/* One request with libcurl: its options, its callbacks, its result. Only http.c may include it. */
#pragma once

#include "base/arena.h"
#include "net/http.h"

#include <curl/curl.h>

struct http {
    CURLM *multi;
    CURL *easy;
    struct arena arena; /* of the strings of `options` */
    struct http_options options;
    struct buf authorities; /* PEM of all CA files if there are several; else empty */
};

/* One exchange, for the callbacks. `failure` holds their errors: to curl they can only return
 * "stop". */
struct http_curl_exchange {
    struct http *http;
    const struct http_request *request;
    const char *url; /* of the request, or of the last redirect */
    struct http_response *response;
    struct error failure;
    bool failed, satisfied; /* satisfied: the rest of the body is not needed */
    uint64_t read_bytes, sent_bytes;
    char message[CURL_ERROR_SIZE];
};

/* Sets all options of the easy handle. `headers` must stay valid until the request ends. */
void http_curl_prepare(struct http_curl_exchange *exchange, struct curl_slist *headers);

/* Makes curl's list of request headers. For a foreign host `identity`, which may be NULL, replaces
 * Authorization. */
bool http_curl_headers(struct curl_slist **lines, const char *const *headers, bool foreign,
                       const char *identity, struct error *err) MUST_CHECK;
void http_curl_headers_free(struct curl_slist **lines);

/* Converts curl's result to an error. `origin` is for the message. */
bool http_curl_judge(struct http_curl_exchange *exchange, CURLcode result, const char *origin,
                     struct error *err) MUST_CHECK;

/* Fills status, times and counts of the response, also after a failure. */
void http_curl_fill_response(struct http_curl_exchange *exchange);
