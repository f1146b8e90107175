/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/http_failure.h"

#include <string.h>

/* A result that has one meaning. Results in no row are ERROR_INTERNAL: they belong to other
 * protocols, to features that the exporter does not use, or to a call of libcurl that is wrong. */
static const struct {
    CURLcode result;
    enum error_code code;
} rows[] = {
    {CURLE_COULDNT_RESOLVE_PROXY, ERROR_PROXY},
    {CURLE_PROXY, ERROR_PROXY}, /* a SOCKS proxy refused, or does not speak SOCKS */
    {CURLE_COULDNT_RESOLVE_HOST, ERROR_DNS},
    {CURLE_OPERATION_TIMEDOUT, ERROR_TIMEOUT},    /* of the dial; the deadline is not curl's */
    {CURLE_GOT_NOTHING, ERROR_CONNECT},           /* closed before or in the status line */
    {CURLE_PARTIAL_FILE, ERROR_CONNECT},          /* closed in the body */
    {CURLE_SEND_FAIL_REWIND, ERROR_CONNECT},      /* broken while the body was sent */
    {CURLE_WEIRD_SERVER_REPLY, ERROR_PROTOCOL},   /* a line that is not a header */
    {CURLE_BAD_CONTENT_ENCODING, ERROR_PROTOCOL}, /* a transfer encoding that was not asked for */
    {CURLE_SSL_CERTPROBLEM, ERROR_TLS},           /* the client's own certificate or key */
    {CURLE_SSL_CLIENTCERT, ERROR_TLS},            /* the server requires one */
    {CURLE_PEER_FAILED_VERIFICATION, ERROR_TLS},
    {CURLE_SSL_CACERT_BADFILE, ERROR_TLS},
    {CURLE_SSL_CIPHER, ERROR_TLS}, /* of OpenSSL's configuration file */
};

static bool was_sent(const struct http_curl_exchange *exchange)
{
    return http_curl_number(exchange->http->easy, CURLINFO_REQUEST_SIZE) > 0;
}

/* errno of the system call that failed; 0: none did. */
static bool system_failed(const struct http_curl_exchange *exchange)
{
    return http_curl_number(exchange->http->easy, CURLINFO_OS_ERRNO) != 0;
}

/* curl has one code for a URL and for a response that it does not understand. The URL of a redirect
 * is the server's. */
static enum error_code code_of_format(const struct http_curl_exchange *exchange)
{
    return was_sent(exchange) || exchange->request->url_of_server ||
                   exchange->url != exchange->request->url
               ? ERROR_PROTOCOL
               : ERROR_INVALID;
}

/* A broken connection has an errno. Without one the peer sent what is invalid: to TLS, to the
 * CONNECT of a proxy, or a bad chunk. */
static enum error_code code_of_broken(const struct http_curl_exchange *exchange)
{
    CURL *easy = exchange->http->easy;

    if (system_failed(exchange))
        return ERROR_CONNECT;
    if (exchange->tls_alert)
        return ERROR_TLS;
    if (http_curl_number(easy, CURLINFO_RESPONSE_CODE) == 0 && exchange->proxy.scheme != PROXY_NONE)
        return http_curl_number(easy, CURLINFO_HEADER_SIZE) > 0 ? ERROR_PROXY : ERROR_CONNECT;
    return ERROR_PROTOCOL;
}

/* The system reports no failure if the server closed the connection before it spoke TLS. */
static enum error_code code_of_handshake(const struct http_curl_exchange *exchange)
{
    return system_failed(exchange) || !exchange->tls_heard ? ERROR_CONNECT : ERROR_TLS;
}

static enum error_code code_of_result(const struct http_curl_exchange *exchange, CURLcode result)
{
    switch (result) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return code_of_format(exchange);
    case CURLE_COULDNT_CONNECT: /* without errno there was no socket to connect */
        return system_failed(exchange) ? ERROR_CONNECT : ERROR_INTERNAL;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return code_of_broken(exchange);
    case CURLE_SSL_CONNECT_ERROR:
        return code_of_handshake(exchange);
    case CURLE_OUT_OF_MEMORY: /* also a header line above curl's limit */
        return was_sent(exchange) && !exchange->headers_ended ? ERROR_LIMIT : ERROR_MEMORY;
    default:
        break;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].result == result)
            return rows[i].code;
    return ERROR_INTERNAL;
}

/* A proxy that cannot be reached, is not trusted, or refuses CONNECT. */
static bool is_of_proxy(const struct http_curl_exchange *exchange, enum error_code code,
                        CURLcode result)
{
    long status = http_curl_number(exchange->http->easy, CURLINFO_HTTP_CONNECTCODE);

    if (exchange->proxy.scheme == PROXY_NONE)
        return false;
    return (status != 0 && status / 100 != 2) || result == CURLE_COULDNT_CONNECT ||
           (exchange->peer && exchange->peer->is_proxy &&
            (code == ERROR_TLS || result == CURLE_SSL_CONNECT_ERROR));
}

static const char *text_of(const struct http_curl_exchange *exchange, CURLcode result)
{
    if (exchange->verdict[0])
        return exchange->verdict;
    if (result == CURLE_SSL_CONNECT_ERROR && exchange->http_heard)
        return exchange->peer->is_proxy ? "it speaks HTTP, not TLS"
                                        : "the server speaks HTTP, not TLS: a registry without TLS "
                                          "needs plain_http: true";
    if (result == CURLE_SEND_FAIL_REWIND) /* curl's message describes its own rewind */
        return "the connection broke while sending the body";
    if (result == CURLE_OUT_OF_MEMORY && was_sent(exchange) && !exchange->headers_ended)
        return "header of the response too long";
    return exchange->message[0] ? exchange->message : curl_easy_strerror(result);
}

static bool fail(struct http_curl_exchange *exchange, enum error_code code, const char *origin,
                 const char *text, struct error *err)
{
    const struct proxy *proxy = &exchange->proxy;

    if (proxy->is_misread)
        error_set(err, code, PROXY_MISREAD, proxy->variable);
    else if (code == ERROR_PROXY)
        error_set(err, code, "proxy %s:%u of %s: %s", proxy->host, proxy->port, proxy->variable,
                  text);
    else
        error_set(err, code, "%s", text);
    return error_wrap(err, "%s %s", exchange->request->method, origin);
}

bool http_failure_judge(struct http_curl_exchange *exchange, CURLcode result, const char *origin,
                        struct error *err)
{
    enum error_code code;

    if (exchange->failed) {
        *err = exchange->failure;
        return false;
    }
    if (result == CURLE_OK && !exchange->headers_ended)
        return fail(exchange, ERROR_CONNECT, origin, "the connection was closed in the headers",
                    err);
    if (result == CURLE_OK || (result == CURLE_WRITE_ERROR && exchange->satisfied))
        return true;
    exchange->response->no_tls = result == CURLE_SSL_CONNECT_ERROR;
    code = code_of_result(exchange, result);
    if (is_of_proxy(exchange, code, result))
        code = ERROR_PROXY;
    return fail(exchange, code, origin, text_of(exchange, result), err);
}
