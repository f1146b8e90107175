/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl, driven by hand: one easy handle in one multi handle. The multi handle keeps the
 * connections and, other than the easy interface, can be woken from another thread, so a
 * cancellation never waits for a slice of time to pass.
 */
#include "net/http.h"

#include "base/arena.h"
#include "base/clock.h"
#include "net/http_message.h"
#include "net/proxy.h"
#include "os/file.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

#define CHUNK_BYTES      (256L << 10)
#define CONNECTIONS_KEPT 4L
#define REDIRECTS_MAX    10
#define DIAL_TIMEOUT_NS  (30 * NS_PER_SECOND)
#define OPTIONS_BYTES    ((size_t)64 << 10)
#define CA_BYTES         ((size_t)4 << 20)
#define URL_BYTES_MAX    ((size_t)32 << 10)

struct http {
    CURLM *multi;
    CURL *easy;
    struct arena arena; /* of the options */
    struct http_options options;
    struct buf authorities; /* PEM of all of them, if there are more than one file; else empty */
};

/* What the callbacks of one exchange need. Their own failures come here, since all they can
 * tell curl is "stop". */
struct exchange {
    struct http *http;
    const struct http_request *request;
    const char *url; /* the request's, or where a redirect led */
    struct http_response *response;
    struct error failure;
    bool failed, satisfied; /* satisfied: what is left of the body is not needed */
    uint64_t read_bytes, sent_bytes;
    char message[CURL_ERROR_SIZE];
};

/* CURLE_OK, which is 0, ends a row. What is in none is our own fault: ERROR_INTERNAL. */
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

void http_library_init(void)
{
    signal(SIGPIPE, SIG_IGN);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT); /* a failure shows in curl_easy_init() */
}

void http_library_deinit(void)
{
    curl_global_cleanup();
}

static const char *keep(struct http *http, const char *text)
{
    return arena_strdup(&http->arena, text ? text : "");
}

static void keep_options(struct http *http, const struct http_options *options)
{
    http->options = *options;
    http->options.ca_file = keep(http, options->ca_file);
    http->options.more_ca_files = NULL;
    http->options.client_cert = keep(http, options->client_cert);
    http->options.client_key = keep(http, options->client_key);
    http->options.unix_socket = keep(http, options->unix_socket);
    http->options.user_agent = keep(http, options->user_agent);
    if (http->options.dial_timeout_ns <= 0)
        http->options.dial_timeout_ns = DIAL_TIMEOUT_NS;
}

/* libcurl takes one file or one text. */
static bool read_authorities(struct http *http, const struct http_options *options,
                             struct error *err)
{
    const char *const *more = options->more_ca_files;

    if (!more || !*more)
        return true;
    if (*http->options.ca_file && !file_read(http->options.ca_file, &http->authorities, err))
        return false;
    for (; *more; more++) {
        buf_append_char(&http->authorities, '\n');
        if (!file_read(*more, &http->authorities, err))
            return false;
    }
    return buf_ok(&http->authorities, err);
}

struct http *http_new(const struct http_options *options, struct error *err)
{
    CLEANUP(http_freep) struct http *http = calloc(1, sizeof(*http));

    if (http) {
        http->arena = (struct arena)ARENA_INIT(OPTIONS_BYTES);
        http->authorities = (struct buf)BUF_INIT(CA_BYTES);
        keep_options(http, options);
        http->multi = curl_multi_init();
        http->easy = curl_easy_init();
    }
    if (!http || !http->multi || !http->easy) {
        error_memory(err);
        return NULL;
    }
    if (!arena_ok(&http->arena, err) || !read_authorities(http, options, err))
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
    buf_deinit(&http->authorities);
    free(http);
}

static long number_of(CURL *easy, CURLINFO what)
{
    long number = 0;

    curl_easy_getinfo(easy, what, &number);
    return number;
}

static size_t on_header(char *line, size_t unit, size_t n, void *arg)
{
    struct exchange *exchange = arg;
    struct buf *headers = &exchange->response->headers;
    size_t size = unit * n;

    if (size >= 5 && memcmp(line, "HTTP/", 5) == 0)
        buf_clear(headers);
    else
        http_response_add_header(exchange->response, line, size);
    if (buf_ok(headers, &exchange->failure))
        return size;
    error_wrap(&exchange->failure, "headers of the answer");
    exchange->failed = true;
    return 0;
}

static size_t on_body(char *data, size_t unit, size_t n, void *arg)
{
    struct exchange *exchange = arg;
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
    struct exchange *exchange = arg;
    const struct http_request *request = exchange->request;
    uint64_t left = request->body_bytes - exchange->read_bytes;
    size_t room = unit * n < left ? unit * n : (size_t)left, got = 0;

    if (left == 0)
        return 0;
    /* Nothing before the end is a failure: the server would wait for the rest for ever. */
    exchange->failed =
        !request->source(request->source_arg, data, room, &got, &exchange->failure) ||
        (got == 0 && !error_set(&exchange->failure, ERROR_SIZE_MISMATCH,
                                "the body ended %" PRIu64 " bytes too early", left));
    exchange->read_bytes += got;
    return exchange->failed ? CURL_READFUNC_ABORT : got;
}

/* Curl forgets what it sent when it finds that it would have to send it again. */
static int on_progress(void *arg, curl_off_t to_receive, curl_off_t received, curl_off_t to_send,
                       curl_off_t sent)
{
    struct exchange *exchange = arg;

    (void)to_receive;
    (void)received;
    (void)to_send;
    if ((uint64_t)sent > exchange->sent_bytes)
        exchange->sent_bytes = (uint64_t)sent;
    return 0;
}

static void set_fixed_options(struct http *http, struct exchange *exchange)
{
    CURL *easy = http->easy;

    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* never join a resolver that hangs */
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
        curl_easy_setopt(http->easy, CURLOPT_CAINFO_BLOB, &blob); /* beside CAPATH */
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

/* Where to connect to, and through whom: curl's own reading of the environment is another. */
static void set_way(struct http *http, const char *url)
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

static void set_method(CURL *easy, const struct http_request *request, struct exchange *exchange)
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

static bool append_line(struct curl_slist **lines, const char *line, struct error *err)
{
    struct curl_slist *longer = curl_slist_append(*lines, line);

    *lines = longer ? longer : *lines;
    return longer || error_memory(err);
}

static void slist_freep(struct curl_slist **lines)
{
    curl_slist_free_all(*lines);
}

/* The two empty ones take away what curl would add by itself. */
static bool make_headers(struct curl_slist **lines, const char *const *headers, bool with_identity,
                         struct error *err)
{
    bool typed = false;

    for (; headers && *headers; headers++) {
        if (strpbrk(*headers, "\r\n"))
            return error_set(err, ERROR_INVALID, "a header would become two");
        if (!with_identity && strncasecmp(*headers, "Authorization:", 14) == 0)
            continue;
        typed = typed || strncasecmp(*headers, "Content-Type:", 13) == 0;
        if (!append_line(lines, *headers, err))
            return false;
    }
    return append_line(lines, "Expect:", err) &&
           (typed || append_line(lines, "Content-Type:", err));
}

static int milliseconds_left(const struct cancel *cancel)
{
    int64_t left_ms = (cancel->deadline_ns - clock_now_ns()) / NS_PER_MS + 1;

    return left_ms < 0 ? 0 : left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

/* Until curl is through or we must stop. */
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

static enum error_code code_of(const struct exchange *exchange, CURLcode result)
{
    bool proxied =
        !*exchange->http->options.unix_socket && proxy_of(exchange->url, variable) != NULL;

    if (number_of(exchange->http->easy, CURLINFO_HTTP_CONNECTCODE) >= 400 ||
        (proxied && result == CURLE_COULDNT_CONNECT))
        return ERROR_PROXY;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        for (const CURLcode *row = codes[i].results; *row != CURLE_OK; row++)
            if (*row == result)
                return codes[i].code;
    return ERROR_INTERNAL;
}

static const char *words_of(const struct exchange *exchange, CURLcode result)
{
    if (result == CURLE_SEND_FAIL_REWIND) /* curl's words are about its own remedy */
        return "the connection broke while the body was sent";
    return exchange->message[0] ? exchange->message : curl_easy_strerror(result);
}

static bool judge(struct exchange *exchange, CURLcode result, const char *origin, struct error *err)
{
    if (exchange->failed) {
        *err = exchange->failure;
        return false;
    }
    if (result == CURLE_OK || (result == CURLE_WRITE_ERROR && exchange->satisfied))
        return true;
    exchange->response->no_tls = result == CURLE_SSL_CONNECT_ERROR;
    return error_set(err, code_of(exchange, result), "%s %s: %s", exchange->request->method, origin,
                     words_of(exchange, result));
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

/* The wait for the first byte counts from the finished connection: curl's own mark for "request
 * sent" is set after the fact, on a fast network even after the answer. */
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

/* "Expire date:Nov 21 10:00:00 2026 GMT", once per certificate of the chain. */
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

static void fill_response(struct exchange *exchange)
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

static void wake(void *multi)
{
    curl_multi_wakeup(multi);
}

static bool transfer(struct exchange *exchange, struct cancel *cancel, struct error *err)
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
        driven = judge(exchange, result_of(http), origin, err);
    else
        error_wrap(err, "%s %s", exchange->request->method, origin);
    fill_response(exchange);
    curl_multi_remove_handle(http->multi, http->easy);
    return driven;
}

/* To one place; a redirect is an answer here. */
static bool exchange_once(struct exchange *exchange, bool with_identity, struct cancel *cancel,
                          struct error *err)
{
    CLEANUP(slist_freep) struct curl_slist *headers = NULL;
    struct http *http = exchange->http;
    bool ok;

    http_response_empty(exchange->response);
    if (!make_headers(&headers, exchange->request->headers, with_identity, err))
        return false;
    set_fixed_options(http, exchange);
    set_tls(http);
    set_way(http, exchange->url);
    set_method(http->easy, exchange->request, exchange);
    curl_easy_setopt(http->easy, CURLOPT_HTTPHEADER, headers);
    ok = transfer(exchange, cancel, err);
    return ok && buf_ok(&exchange->response->body, err);
}

/* What the places before the last one took counts, too. */
static void add_up(struct http_response *response, const struct http_response *before)
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

/* Where the answer sends us; false if nowhere. */
static bool is_redirect(const struct exchange *exchange, struct buf *url)
{
    char *next = NULL;

    if (!exchange->request->follow_redirects || exchange->response->status < 300 ||
        exchange->response->status > 399)
        return false;
    curl_easy_getinfo(exchange->http->easy, CURLINFO_REDIRECT_URL, &next);
    buf_clear(url);
    if (next)
        buf_append_str(url, next);
    return url->size > 0;
}

/* Redirects are followed by hand: each place has a proxy of its own or none, and credentials stay
 * with the one that they are for. */
static bool follow(struct exchange *exchange, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf url = BUF_INIT(URL_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf next = BUF_INIT(URL_BYTES_MAX);
    struct http_response *response = exchange->response;
    char asked[HTTP_ORIGIN_BYTES], here[HTTP_ORIGIN_BYTES];
    bool elsewhere = false;

    http_origin(exchange->request->url, asked, sizeof(asked));
    for (int hop = 0;; hop++) {
        struct http_response before = *response;
        bool ok = exchange_once(exchange, !elsewhere, cancel, err);

        if (hop > 0)
            add_up(response, &before);
        response->from_elsewhere = elsewhere;
        if (!ok || !is_redirect(exchange, &next))
            return ok;
        if (hop == REDIRECTS_MAX)
            return error_set(err, ERROR_PROTOCOL, "%s %s: more than %d redirects",
                             exchange->request->method, asked, REDIRECTS_MAX);
        buf_clear(&url);
        buf_append(&url, next.data, next.size);
        if (!buf_ok(&next, err) || !buf_ok(&url, err))
            return false;
        exchange->url = url.data;
        http_origin(url.data, here, sizeof(here));
        elsewhere = strcasecmp(asked, here) != 0;
    }
}

bool http_exchange(struct http *http, const struct http_request *request,
                   struct http_response *response, struct cancel *cancel, struct error *err)
{
    struct exchange exchange = {
        .http = http, .request = request, .url = request->url, .response = response};
    bool ok = follow(&exchange, cancel, err);

    /* It must not point at what ends with this layout. Connections belong to the multi handle. */
    curl_easy_reset(http->easy);
    return ok;
}

int64_t http_date(const char *text)
{
    time_t time = curl_getdate(text, NULL);

    return time > 0 ? (int64_t)time : 0;
}
