/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_curl.h"

#include "base/clock.h"
#include "net/http_message.h"
#include "net/proxy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CHUNK_BYTES (256L << 10)

/* The reason of each curl result. CURLE_OK (0) ends a row. Results in no row: ERROR_INTERNAL. */
static const struct {
    enum error_code code;
    CURLcode results[16];
} codes[] = {
    {ERROR_INVALID, {CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT}},
    {ERROR_PROXY, {CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY}},
    {ERROR_DNS, {CURLE_COULDNT_RESOLVE_HOST}},
    {ERROR_CONNECT,
     {CURLE_COULDNT_CONNECT, CURLE_INTERFACE_FAILED, CURLE_GOT_NOTHING, CURLE_SEND_ERROR,
      CURLE_SEND_FAIL_REWIND, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE}},
    {ERROR_TIMEOUT, {CURLE_OPERATION_TIMEDOUT}},
    {ERROR_TLS,
     {CURLE_SSL_CONNECT_ERROR, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED,
      CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
      CURLE_PEER_FAILED_VERIFICATION, CURLE_USE_SSL_FAILED, CURLE_SSL_CACERT_BADFILE,
      CURLE_SSL_SHUTDOWN_FAILED, CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR,
      CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT}},
    {ERROR_PROTOCOL,
     {CURLE_TOO_MANY_REDIRECTS, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING}},
    {ERROR_MEMORY, {CURLE_OUT_OF_MEMORY}},
};

static long number_of(CURL *easy, CURLINFO what)
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

    if (size >= 5 && memcmp(line, "HTTP/", 5) == 0)
        buf_clear(headers);
    else
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
    long status = number_of(exchange->http->easy, CURLINFO_RESPONSE_CODE);

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

static void set_authorities(struct http *http)
{
    struct curl_blob blob = {http->authorities.data, http->authorities.size, CURL_BLOB_NOCOPY};
    bool own = *http->options.ca_file != '\0';

    if (own)
        curl_easy_setopt(http->easy, CURLOPT_CAPATH, NULL);
    if (blob.len > 0)
        curl_easy_setopt(http->easy, CURLOPT_CAINFO_BLOB, &blob); /* in addition to CAPATH */
    else if (own)
        curl_easy_setopt(http->easy, CURLOPT_CAINFO, http->options.ca_file);
}

static void set_tls(struct http *http)
{
    const struct http_options *options = &http->options;
    CURL *easy = http->easy;

    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, options->skip_verify ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options->skip_verify ? 0L : 2L);
    curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
    set_authorities(http);
    if (*options->client_cert) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, options->client_cert);
        curl_easy_setopt(easy, CURLOPT_SSLKEY,
                         *options->client_key ? options->client_key : options->client_cert);
    }
}

static const char *variable(const char *name)
{
    return getenv(name);
}

/* Sets URL, proxy and address. curl reads proxy variables differently than Go: proxy_of() does it.
 */
static void set_route(struct http *http, const char *url)
{
    static const long families[] = {
        [HTTP_FAMILY_ANY] = CURL_IPRESOLVE_WHATEVER,
        [HTTP_FAMILY_IPV4] = CURL_IPRESOLVE_V4,
        [HTTP_FAMILY_IPV6] = CURL_IPRESOLVE_V6,
    };
    const char *proxy = *http->options.unix_socket ? NULL : proxy_of(url, variable);
    CURL *easy = http->easy;

    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROXY, proxy ? proxy : "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_IPRESOLVE, families[http->options.family]);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(http->options.dial_timeout_ns / NS_PER_MS + 1));
    if (*http->options.unix_socket)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, http->options.unix_socket);
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

void http_curl_prepare(struct http_curl_exchange *exchange, struct curl_slist *headers)
{
    struct http *http = exchange->http;

    set_fixed_options(http, exchange);
    set_tls(http);
    set_route(http, exchange->url);
    set_method(http->easy, exchange->request, exchange);
    curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, headers);
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

static enum error_code code_of(const struct http_curl_exchange *exchange, CURLcode result)
{
    bool proxied =
        !*exchange->http->options.unix_socket && proxy_of(exchange->url, variable) != NULL;

    if (number_of(exchange->http->easy, CURLINFO_HTTP_CONNECTCODE) >= 400 ||
        (proxied && result == CURLE_COULDNT_CONNECT))
        return ERROR_PROXY;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        for (const CURLcode *row = codes[i].results; *row != CURLE_OK; row++)
            if (*row == result)
                return codes[i].code == ERROR_INVALID && exchange->request->url_of_server
                           ? ERROR_PROTOCOL
                           : codes[i].code;
    return ERROR_INTERNAL;
}

static const char *message_of(const struct http_curl_exchange *exchange, CURLcode result)
{
    if (result == CURLE_SEND_FAIL_REWIND) /* curl's message describes its own rewind */
        return "the connection broke while sending the body";
    return exchange->message[0] ? exchange->message : curl_easy_strerror(result);
}

bool http_curl_judge(struct http_curl_exchange *exchange, CURLcode result, const char *origin,
                     struct error *err)
{
    if (exchange->failed) {
        *err = exchange->failure;
        return false;
    }
    if (result == CURLE_OK || (result == CURLE_WRITE_ERROR && exchange->satisfied))
        return true;
    exchange->response->no_tls = result == CURLE_SSL_CONNECT_ERROR;
    return error_set(err, code_of(exchange, result), "%s %s: %s", exchange->request->method, origin,
                     message_of(exchange, result));
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
    if (number_of(easy, CURLINFO_NUM_CONNECTS) == 0)
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

    if (number_of(easy, CURLINFO_NUM_CONNECTS) == 0 ||
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
    response->status = (int)number_of(easy, CURLINFO_RESPONSE_CODE);
    response->certificate_expiry = earliest_expiry(easy);
    read_times(easy, &response->times);
}
