/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives libcurl with one easy handle in one multi handle. The multi handle keeps the connections.
 * Unlike the easy interface another thread can wake it, so a cancellation takes effect at once.
 */
#include "net/http/http.h"

#include "base/clock.h"
#include "net/http/http_curl.h"
#include "net/http/http_failure.h"
#include "net/http/http_tls.h"
#include "net/http/http_url.h"
#include "net/http/tls_roots.h"

#include <limits.h>
#include <signal.h>
#include <string.h>

#define CONNECTIONS_KEPT 4L
#define REDIRECTS_MAX    10
#define DIAL_TIMEOUT_NS  (30 * NS_PER_SECOND)
#define OPTIONS_BYTES    ((size_t)64 << 10)
#define LOCATION_BYTES   ((size_t)16 << 10)

void http_library_init(void)
{
    signal(SIGPIPE, SIG_IGN);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT); /* after a failure curl_easy_init() fails, too */
}

void http_library_deinit(void)
{
    curl_global_cleanup();
    tls_roots_deinit();
}

static const char *copy_option(struct http *http, const char *text)
{
    return arena_strdup(&http->arena, text ? text : "");
}

static void copy_options(struct http *http, const struct http_options *options)
{
    http->options = *options;
    http->options.ca_file = copy_option(http, options->ca_file);
    http->options.more_ca_files = NULL;
    http->options.client_cert = copy_option(http, options->client_cert);
    http->options.client_key = copy_option(http, options->client_key);
    http->options.unix_socket = copy_option(http, options->unix_socket);
    http->options.user_agent = copy_option(http, options->user_agent);
    if (http->options.dial_timeout_ns <= 0)
        http->options.dial_timeout_ns = DIAL_TIMEOUT_NS;
}

struct http *http_new(const struct http_options *options, struct error *err)
{
    CLEANUP(http_freep) struct http *http = calloc(1, sizeof(*http));

    if (http) {
        http->arena = (struct arena)ARENA_INIT(OPTIONS_BYTES);
        copy_options(http, options);
        http->multi = curl_multi_init();
        http->easy = curl_easy_init();
    }
    if (!http || !http->multi || !http->easy) {
        error_memory(err);
        return NULL;
    }
    if (!arena_ok(&http->arena, err) || !http_tls_check(http, options->more_ca_files, err))
        return NULL;
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    return TAKE(http);
}

void http_free(struct http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->easy);
    curl_multi_cleanup(http->multi);
    arena_deinit(&http->arena);
    http_tls_free(http);
    free(http);
}

static int milliseconds_left(const struct cancel *cancel)
{
    int64_t left_ms = (cancel->deadline_ns - clock_now_ns()) / NS_PER_MS + 1;

    return left_ms < 0 ? 0 : left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

/* Returns when curl is done, or after a cancellation or the deadline. */
static bool drive(struct http *http, struct cancel *cancel, struct error *err)
{
    CURLMcode code;
    int running;

    for (;;) {
        code = curl_multi_perform(http->multi, &running);
        if (code == CURLM_OK && running == 0)
            return true;
        if (!cancel_check(cancel, err))
            return false;
        if (code == CURLM_OK)
            code = curl_multi_poll(http->multi, NULL, 0, milliseconds_left(cancel), NULL);
        if (code != CURLM_OK)
            return error_set(err, ERROR_INTERNAL, "%s", curl_multi_strerror(code));
    }
}

static CURLcode result_of(struct http *http)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(http->multi, &left)))
        if (message->msg == CURLMSG_DONE)
            return message->data.result;
    return CURLE_FAILED_INIT;
}

static void wake(void *multi)
{
    curl_multi_wakeup(multi);
}

static bool transfer(struct http_curl_exchange *exchange, struct cancel *cancel, struct error *err)
{
    struct http *http = exchange->http;
    struct cancel_watcher watcher = {.wake = wake, .arg = http->multi};
    char origin[HTTP_ORIGIN_BYTES];
    bool driven;

    if (!cancel_watch(cancel, &watcher, err))
        return false;
    curl_multi_add_handle(http->multi, http->easy);
    driven = drive(http, cancel, err);
    cancel_unwatch(cancel, &watcher);
    http_origin(exchange->url, origin, sizeof(origin));
    if (driven)
        driven = http_failure_judge(exchange, result_of(http), origin, err);
    else
        error_wrap(err, "%s %s", exchange->request->method, origin);
    http_curl_fill_response(exchange);
    curl_multi_remove_handle(http->multi, http->easy);
    return driven;
}

/* One request; returns a redirect as a response. `foreign`: it goes to another host than the
 * caller's. */
static bool exchange_once(struct http_curl_exchange *exchange, bool foreign, struct cancel *cancel,
                          struct error *err)
{
    const struct http_request *request = exchange->request;
    CLEANUP(http_curl_headers_free) struct curl_slist *headers = NULL;
    const char *identity = NULL;
    bool ok;

    http_response_empty(exchange->response);
    exchange->read_bytes = exchange->sent_bytes = 0;
    exchange->failed = exchange->satisfied = false;
    if (foreign && request->identity &&
        !request->identity(request->identity_arg, exchange->url, &identity, err))
        return false;
    if (!http_curl_headers(&headers, request->headers, foreign, identity, err))
        return false;
    curl_easy_reset(exchange->http->easy); /* the options of the last hop */
    if (!http_curl_prepare(exchange, headers, err))
        return false;
    ok = transfer(exchange, cancel, err);
    buf_append_str(&exchange->response->url, exchange->url);
    return ok && buf_ok(&exchange->response->body, err) && buf_ok(&exchange->response->url, err);
}

/* Adds the counts and times of the request before a redirect. */
static void add_previous(struct http_response *response, const struct http_response *before)
{
    struct http_times *times = &response->times;

    response->received_bytes += before->received_bytes;
    response->sent_bytes += before->sent_bytes;
    if (times->connect < 0)
        *times = (struct http_times){before->times.dns, before->times.connect, before->times.tls,
                                     times->first_byte};
    if (response->certificate_expiry == 0)
        response->certificate_expiry = before->certificate_expiry;
}

/* Returns true and the Location if the response is a redirect. */
static bool is_redirect(const struct http_curl_exchange *exchange, char location[LOCATION_BYTES])
{
    int status = exchange->response->status;

    if (!exchange->request->follow_redirects || status < 301 || status > 308 ||
        (status > 303 && status < 307))
        return false;
    return http_response_header(exchange->response, "location", 0, location, LOCATION_BYTES) &&
           *location;
}

static bool is_read(const struct http_request *request)
{
    return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

static bool too_many_redirects(const struct http_request *request, struct error *err)
{
    char origin[HTTP_ORIGIN_BYTES];

    http_origin(request->url, origin, sizeof(origin));
    return error_set(err, ERROR_PROTOCOL, "%s %s: too many redirects: limit is %d", request->method,
                     origin, REDIRECTS_MAX);
}

/* Changes the request for the next hop. *follow: whether there is one. */
static bool redirect(struct http_request *request, int status, bool foreign, bool *follow,
                     struct cancel *cancel, struct error *err)
{
    *follow = true;
    request->url_of_server = true;
    if (status < 307) {
        if (strcmp(request->method, "HEAD") != 0)
            request->method = "GET";
        request->source = NULL;
        request->body_bytes = 0;
    } else if (request->source) {
        *follow = request->rewind && !(foreign && request->secret_body);
        return !*follow || request->rewind(request->source_arg, cancel, err);
    }
    return true;
}

/* Follows redirects without curl: each URL has its own proxy or none, and credentials must not go
 * to another host. */
static bool follow(struct http_curl_exchange *exchange, struct http_request *request,
                   struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf url = BUF_INIT(HTTP_URL_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf next = BUF_INIT(HTTP_URL_LIMIT_BYTES);
    struct http_response *response = exchange->response;
    bool foreign = false, again, writes = !is_read(request);
    char location[LOCATION_BYTES];

    for (int hop = 0;; hop++) {
        struct http_response before = *response;
        bool ok = exchange_once(exchange, foreign, cancel, err);

        if (hop > 0)
            add_previous(response, &before);
        response->from_elsewhere = foreign;
        response->became_get = writes && is_read(request);
        if (!ok || !is_redirect(exchange, location))
            return ok;
        if (hop == REDIRECTS_MAX)
            return too_many_redirects(request, err);
        buf_clear(&next);
        if (!http_url_resolve(exchange->url, location, &next, err))
            return error_wrap(err, "redirect");
        foreign = !http_may_share_identity(request->url, next.data);
        if (!redirect(request, response->status, foreign, &again, cancel, err) || !again)
            return !again;
        buf_clear(&url);
        buf_append(&url, next.data, next.size);
        if (!buf_ok(&url, err))
            return false;
        exchange->url = url.data;
    }
}

bool http_exchange(struct http *http, const struct http_request *request,
                   struct http_response *response, struct cancel *cancel, struct error *err)
{
    struct http_request hop = *request;
    struct http_curl_exchange exchange = {
        .http = http, .request = &hop, .url = request->url, .response = response};
    bool ok;

    http->exchange = &exchange;
    ok = follow(&exchange, &hop, cancel, err);
    http->exchange = NULL;

    /* Drops pointers to `exchange`. The multi handle keeps the connections. */
    curl_easy_reset(http->easy);
    proxy_deinit(&exchange.proxy);
    return ok;
}

bool http_sink_to_buf(void *arg, const void *data, size_t size, struct error *err)
{
    buf_append(arg, data, size);
    return buf_ok(arg, err);
}

int64_t http_date(const char *text)
{
    time_t time = curl_getdate(text, NULL);

    return time > 0 ? (int64_t)time : 0;
}
