/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/http_curl.h"

#include "base/clock.h"
#include "net/http/http_message.h"
#include "net/http/http_tls.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define CHUNK_BYTES (256L << 10)

long http_curl_number(CURL *easy, CURLINFO what)
{
    long number = 0;

    curl_easy_getinfo(easy, what, &number);
    return number;
}

static size_t on_header(char *line, size_t unit, size_t n, void *arg)
{
    struct http_curl_exchange *exchange = arg;
    struct buf *headers = &exchange->response->headers;
    size_t size = unit * n;

    exchange->headers_ended = exchange->headers_ended || size <= 2; /* trailers may follow */
    if (size >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        exchange->headers_ended = false;
        buf_clear(headers);
    } else
        http_response_add_header(exchange->response, line, size);
    if (buf_ok(headers, &exchange->failure))
        return size;
    error_wrap(&exchange->failure, "headers of the response");
    exchange->failed = true;
    return 0;
}

static size_t on_body(char *data, size_t unit, size_t n, void *arg)
{
    struct http_curl_exchange *exchange = arg;
    const struct http_request *request = exchange->request;
    size_t size = unit * n;
    long status = http_curl_number(exchange->http->easy, CURLINFO_RESPONSE_CODE);

    exchange->response->received_bytes += size;
    exchange->response->status = (int)status;
    if (request->sink && status >= 200 && status < 300) {
        exchange->failed = !request->sink(request->sink_arg, data, size, &exchange->failure);
        return exchange->failed ? 0 : size;
    }
    exchange->satisfied = !http_response_add_body(exchange->response, data, size);
    return exchange->satisfied ? 0 : size;
}

static size_t on_read(char *data, size_t unit, size_t n, void *arg)
{
    struct http_curl_exchange *exchange = arg;
    const struct http_request *request = exchange->request;
    uint64_t left = request->body_bytes - exchange->read_bytes;
    size_t room = unit * n < left ? unit * n : (size_t)left, got = 0;

    if (left == 0)
        return 0;
    /* A source that ends early is a failure: the server would wait for the rest. */
    exchange->failed =
        !request->source(request->source_arg, data, room, &got, &exchange->failure) ||
        (got == 0 && !error_set(&exchange->failure, ERROR_SIZE_MISMATCH,
                                "the request body ended %" PRIu64 " bytes too early", left));
    exchange->read_bytes += got;
    return exchange->failed ? CURL_READFUNC_ABORT : got;
}

/* curl resets its count when it has to send the body again. */
static int on_progress(void *arg, curl_off_t to_receive, curl_off_t received, curl_off_t to_send,
                       curl_off_t sent)
{
    struct http_curl_exchange *exchange = arg;

    (void)to_receive, (void)received, (void)to_send;
    if ((uint64_t)sent > exchange->sent_bytes)
        exchange->sent_bytes = (uint64_t)sent;
    return 0;
}

static void set_fixed_options(struct http *http, struct http_curl_exchange *exchange)
{
    CURL *easy = http->easy;

    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT,
                     1L); /* do not wait for a resolver thread that hangs */
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, CHUNK_BYTES);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, CHUNK_BYTES);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->message);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    if (*http->options.user_agent)
        curl_easy_setopt(easy, CURLOPT_USERAGENT, http->options.user_agent);
}

/* Names of hosts are resolved by a SOCKS proxy, as Go does. */
static void set_proxy(CURL *easy, const struct proxy *proxy)
{
    static const char *const schemes[] = {
        [PROXY_HTTP] = "http",
        [PROXY_HTTPS] = "https",
        [PROXY_SOCKS5] = "socks5h",
    };
    bool bracketed = strchr(proxy->host, ':');
    char url[PROXY_HOST_BYTES + 32] = "";

    if (proxy->scheme != PROXY_NONE)
        snprintf(url, sizeof(url), "%s://%s%s%s:%u", schemes[proxy->scheme], bracketed ? "[" : "",
                 proxy->host, bracketed ? "]" : "", proxy->port);
    curl_easy_setopt(easy, CURLOPT_PROXY, url); /* "": none; NULL: curl reads the environment */
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_SOCKS5_AUTH, CURLAUTH_BASIC);
    if (!proxy->has_user)
        return;
    curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, secret_text(&proxy->user));
    curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, secret_text(&proxy->password));
}

static bool choose_proxy(struct http_curl_exchange *exchange, struct error *err)
{
    struct proxy *proxy = &exchange->proxy;

    proxy_deinit(proxy);
    *proxy = (struct proxy){.scheme = PROXY_NONE};
    if (*exchange->http->options.unix_socket)
        return true;
    if (!proxy_of(exchange->url, proxy_environment, proxy, err))
        return false;
    return proxy->scheme == PROXY_NONE || proxy->port != 0 ||
           error_set(err, ERROR_PROXY, PROXY_MISREAD, proxy->variable);
}

static void set_route(struct http_curl_exchange *exchange)
{
    static const long families[] = {
        [HTTP_FAMILY_ANY] = CURL_IPRESOLVE_WHATEVER,
        [HTTP_FAMILY_IPV4] = CURL_IPRESOLVE_V4,
        [HTTP_FAMILY_IPV6] = CURL_IPRESOLVE_V6,
    };
    const struct http_options *options = &exchange->http->options;
    CURL *easy = exchange->http->easy;

    curl_easy_setopt(easy, CURLOPT_URL, exchange->url);
    set_proxy(easy, &exchange->proxy);
    curl_easy_setopt(easy, CURLOPT_IPRESOLVE, families[options->family]);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(options->dial_timeout_ns / NS_PER_MS + 1));
    if (*options->unix_socket)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, options->unix_socket);
}

static void set_method(CURL *easy, const struct http_request *request,
                       struct http_curl_exchange *exchange)
{
    const char *method = request->method;

    if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (request->source) {
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_bytes);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(easy, CURLOPT_READDATA, exchange);
        curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(easy, CURLOPT_XFERINFODATA, exchange);
        curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    } else if (strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, ""); /* "Content-Length: 0" */
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, 0L);
    }
    if (strcmp(method, "GET") != 0)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

bool http_curl_prepare(struct http_curl_exchange *exchange, struct curl_slist *headers,
                       struct error *err)
{
    CURL *easy = exchange->http->easy;

    if (!choose_proxy(exchange, err))
        return error_wrap(err, "%s", exchange->request->method);
    exchange->message[0] = '\0';
    exchange->headers_ended = false;
    set_fixed_options(exchange->http, exchange);
    set_route(exchange);
    set_method(easy, exchange->request, exchange);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    return http_tls_prepare(exchange, err);
}

static bool append_line(struct curl_slist **lines, const char *line, struct error *err)
{
    struct curl_slist *longer = curl_slist_append(*lines, line);

    *lines = longer ? longer : *lines;
    return longer || error_memory(err);
}

void http_curl_headers_free(struct curl_slist **lines)
{
    curl_slist_free_all(*lines);
}

/* The two headers without a value suppress those that curl adds. */
bool http_curl_headers(struct curl_slist **lines, const char *const *headers, bool foreign,
                       const char *identity, struct error *err)
{
    bool typed = false;

    for (; headers && *headers; headers++) {
        if (strpbrk(*headers, "\r\n"))
            return error_set(err, ERROR_INVALID, "invalid header: contains a line break");
        if (foreign && strncasecmp(*headers, "Authorization:", 14) == 0)
            continue;
        typed = typed || strncasecmp(*headers, "Content-Type:", 13) == 0;
        if (!append_line(lines, *headers, err))
            return false;
    }
    return (!identity || append_line(lines, identity, err)) && append_line(lines, "Expect:", err) &&
           (typed || append_line(lines, "Content-Type:", err));
}

static curl_off_t offset_of(CURL *easy, CURLINFO what)
{
    curl_off_t offset = 0;

    curl_easy_getinfo(easy, what, &offset);
    return offset;
}

static double stage_seconds(curl_off_t from_us, curl_off_t to_us)
{
    return to_us > 0 && to_us >= from_us ? (double)(to_us - from_us) / 1e6 : -1;
}

/* first_byte counts from the finished connection: curl records "request sent" too late, on a fast
 * network even after the response. */
static void read_times(CURL *easy, struct http_times *times)
{
    curl_off_t dns = offset_of(easy, CURLINFO_NAMELOOKUP_TIME_T);
    curl_off_t connect = offset_of(easy, CURLINFO_CONNECT_TIME_T);
    curl_off_t tls = offset_of(easy, CURLINFO_APPCONNECT_TIME_T);

    times->first_byte = stage_seconds(tls > connect ? tls : connect,
                                      offset_of(easy, CURLINFO_STARTTRANSFER_TIME_T));
    if (http_curl_number(easy, CURLINFO_NUM_CONNECTS) == 0)
        return;
    times->dns = stage_seconds(0, dns);
    times->connect = stage_seconds(dns, connect);
    times->tls = stage_seconds(connect, tls);
}

/* Parses "Expire date:Nov 21 10:00:00 2026 GMT" of each certificate of the chain. */
static int64_t earliest_expiry(CURL *easy)
{
    static const char name[] = "Expire date:";
    struct curl_certinfo *chain = NULL;
    int64_t earliest = 0;

    if (http_curl_number(easy, CURLINFO_NUM_CONNECTS) == 0 ||
        curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || !chain)
        return 0;
    for (int i = 0; i < chain->num_of_certs; i++)
        for (const struct curl_slist *line = chain->certinfo[i]; line; line = line->next) {
            int64_t expiry;

            if (strncmp(line->data, name, sizeof(name) - 1) != 0)
                continue;
            expiry = http_date(line->data + sizeof(name) - 1);
            if (expiry > 0 && (earliest == 0 || expiry < earliest))
                earliest = expiry;
        }
    return earliest;
}

void http_curl_fill_response(struct http_curl_exchange *exchange)
{
    struct http_response *response = exchange->response;
    CURL *easy = exchange->http->easy;

    response->sent_bytes = (uint64_t)offset_of(easy, CURLINFO_SIZE_UPLOAD_T);
    if (response->sent_bytes < exchange->sent_bytes)
        response->sent_bytes = exchange->sent_bytes;
    response->status = (int)http_curl_number(easy, CURLINFO_RESPONSE_CODE);
    response->certificate_expiry = earliest_expiry(easy);
    read_times(easy, &response->times);
}
