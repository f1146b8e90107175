/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/http_tls.h"

#include "base/secret.h"
#include "net/http/http_message.h"
#include "net/http/tls_name.h"
#include "net/http/tls_roots.h"
#include "os/file.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define ALERT_IS_FATAL 2
#define PEM_BYTES      ((size_t)4 << 20)
#define SECURITY_LEVEL 1 /* as Go: RSA of 1024 bits is accepted, SHA-1 signatures are not */

bool http_tls_check(struct http *http, const char *const *more, struct error *err)
{
    if (more && *more && !http->options.skip_verify)
        http->roots = tls_roots_new(http->options.ca_file, more, err);
    return http->roots || !more || !*more || http->options.skip_verify;
}

void http_tls_free(struct http *http)
{
    X509_STORE_free(http->roots);
    secret_buf_deinit(&http->client_cert);
    secret_buf_deinit(&http->client_key);
}

static void peer_host(const struct http_tls_peer *peer, char host[HTTP_ORIGIN_BYTES])
{
    char port[HTTP_PORT_BYTES];

    if (peer->is_proxy)
        snprintf(host, HTTP_ORIGIN_BYTES, "%s", peer->http->exchange->proxy.host);
    else
        http_host(peer->http->exchange->url, host, port);
}

static bool covers_address(const ASN1_OCTET_STRING *name, const unsigned char address[16])
{
    static const unsigned char v4[12] = {[10] = 0xff, [11] = 0xff};
    size_t size = (size_t)ASN1_STRING_length(name);
    const unsigned char *data = ASN1_STRING_get0_data(name);

    return size == 16 ? memcmp(data, address, 16) == 0
                      : size == 4 && memcmp(address, v4, sizeof(v4)) == 0 &&
                            memcmp(data, address + sizeof(v4), 4) == 0;
}

/* Only DNS names and addresses of the SAN count, never the common name. */
static bool covers(const GENERAL_NAMES *names, const char *host)
{
    unsigned char address[16];
    bool is_address = http_address(host, address);

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int type;
        const void *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);

        if (is_address
                ? type == GEN_IPADD && covers_address(value, address)
                : type == GEN_DNS && tls_name_covers((const char *)ASN1_STRING_get0_data(value),
                                                     (size_t)ASN1_STRING_length(value), host))
            return true;
    }
    return false;
}

static bool has_names(const GENERAL_NAMES *names)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int type;

        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
        if (type == GEN_DNS || type == GEN_IPADD)
            return true;
    }
    return false;
}

/* Called by OpenSSL in the handshake. */
static int verify(X509_STORE_CTX *store, void *arg)
{
    const struct http_tls_peer *peer = arg;
    struct http_curl_exchange *exchange = peer->http->exchange;
    GENERAL_NAMES *names;
    char host[HTTP_ORIGIN_BYTES];
    bool covered;

    if (X509_verify_cert(store) != 1)
        return 0;
    peer_host(peer, host);
    names = X509_get_ext_d2i(X509_STORE_CTX_get0_cert(store), NID_subject_alt_name, NULL, NULL);
    covered = covers(names, host);
    if (!covered) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
        snprintf(exchange->verdict, sizeof(exchange->verdict),
                 has_names(names)
                     ? "certificate is for other hosts: expected \"%s\" in its SAN"
                     : "certificate has no DNS name or IP address in its SAN: expected "
                       "\"%s\", the common name does not count",
                 host);
    }
    GENERAL_NAMES_free(names);
    return covered;
}

/* Sees all records. */
static void on_record(int is_sent, int version, int type, const void *data, size_t size, SSL *ssl,
                      void *arg)
{
    struct http_curl_exchange *exchange = ((const struct http *)arg)->exchange;

    (void)version, (void)ssl;
    if (!exchange)
        return;
    if (!is_sent)
        exchange->tls_heard = true;
    if (!is_sent && type == SSL3_RT_HEADER && size == 5 && memcmp(data, "HTTP/", 5) == 0)
        exchange->http_heard = true;
    if (type == SSL3_RT_ALERT && size == 2 && *(const unsigned char *)data == ALERT_IS_FATAL)
        exchange->tls_alert = true;
}

/* The first handshake of a connection through a TLS proxy is the proxy's. The second one, inside
 * the tunnel, is the server's. */
static struct http_tls_peer *next_peer(const struct http_curl_exchange *exchange)
{
    bool tunnel = strncasecmp(exchange->url, "https:", 6) == 0;

    if (exchange->proxy.scheme != PROXY_HTTPS ||
        (tunnel && exchange->peer == &exchange->http->proxy_peer))
        return &exchange->http->server_peer;
    return &exchange->http->proxy_peer;
}

static bool trust(struct http_curl_exchange *exchange, SSL_CTX *context, struct http_tls_peer *peer)
{
    struct http *http = exchange->http;
    struct error err;

    if (!http->roots)
        http->roots = tls_roots_new(http->options.ca_file, NULL, &err);
    if (!http->roots) {
        snprintf(exchange->verdict, sizeof(exchange->verdict), "%.250s", err.message);
        return false;
    }
    SSL_CTX_set1_cert_store(context, http->roots);
    SSL_CTX_set_cert_verify_callback(context, verify, peer);
    return true;
}

/* Called by curl before each handshake. */
static CURLcode on_context(CURL *easy, void *context, void *arg)
{
    struct http_curl_exchange *exchange = arg;
    struct http_tls_peer *peer = next_peer(exchange);

    (void)easy;
    exchange->peer = peer;
    exchange->tls_heard = exchange->tls_alert = exchange->http_heard = false;
    SSL_CTX_set_security_level(context, SECURITY_LEVEL);
    SSL_CTX_set_msg_callback(context, on_record);
    SSL_CTX_set_msg_callback_arg(context, exchange->http);
    if (!exchange->http->options.skip_verify && !trust(exchange, context, peer))
        return CURLE_SSL_CACERT_BADFILE;
    return CURLE_OK;
}

static bool read_pem(struct buf *pem, const char *path, struct error *err)
{
    if (pem->size > 0)
        return true;
    secret_buf_deinit(pem);
    *pem = (struct buf)SECRET_BUF_INIT(PEM_BYTES);
    if (file_read(path, pem, err))
        return true;
    buf_clear(pem);
    err->code = ERROR_TLS;
    return error_wrap(err, "client certificate");
}

/* curl gets the texts, because it would open a path of the node outside of --path.rootfs. */
static bool set_client_certificate(struct http_curl_exchange *exchange, struct error *err)
{
    struct http *http = exchange->http;
    const char *cert = http->options.client_cert, *key = http->options.client_key;
    struct curl_blob blob = {.flags = CURL_BLOB_NOCOPY};
    bool needed =
        strncasecmp(exchange->url, "https:", 6) == 0 || exchange->proxy.scheme == PROXY_HTTPS;

    if (!*cert || !needed)
        return true;
    if (!read_pem(&http->client_cert, cert, err) ||
        !read_pem(&http->client_key, *key ? key : cert, err))
        return false;
    blob.data = http->client_cert.data;
    blob.len = http->client_cert.size;
    curl_easy_setopt(http->easy, CURLOPT_SSLCERT_BLOB, &blob);
    curl_easy_setopt(http->easy, CURLOPT_PROXY_SSLCERT_BLOB, &blob);
    blob.data = http->client_key.data;
    blob.len = http->client_key.size;
    curl_easy_setopt(http->easy, CURLOPT_SSLKEY_BLOB, &blob);
    curl_easy_setopt(http->easy, CURLOPT_PROXY_SSLKEY_BLOB, &blob);
    return true;
}

bool http_tls_prepare(struct http_curl_exchange *exchange, struct error *err)
{
    const struct http_options *options = &exchange->http->options;
    CURL *easy = exchange->http->easy;
    long verified = options->skip_verify ? 0 : 1;

    exchange->http->server_peer = (struct http_tls_peer){exchange->http, false};
    exchange->http->proxy_peer = (struct http_tls_peer){exchange->http, true};
    exchange->peer = NULL;
    exchange->tls_heard = exchange->tls_alert = exchange->http_heard = false;
    exchange->verdict[0] = '\0';
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verified);
    curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, verified);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L); /* verify() does it */
    curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
    if (!set_client_certificate(exchange, err))
        return false;
    if (curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, exchange) != CURLE_OK)
        return error_set(err, ERROR_INTERNAL, "libcurl is not linked to OpenSSL");
    return true;
}

static bool is_set(const char *text)
{
    return text && *text;
}

/* Like curl, OpenSSL would open a path of the node outside of --path.rootfs. */
static BIO *open_pem(const char *path, struct buf *text)
{
    struct error unused;

    return file_read(path, text, &unused) && text->size > 0
               ? BIO_new_mem_buf(text->data, (int)text->size)
               : NULL;
}

static bool use_certificate(SSL_CTX *context, const char *path)
{
    CLEANUP(secret_buf_deinit) struct buf text = SECRET_BUF_INIT(PEM_BYTES);
    BIO *in = open_pem(path, &text);
    X509 *certificate = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
    bool ok = certificate && SSL_CTX_use_certificate(context, certificate) == 1;

    X509_free(certificate); /* both may be NULL */
    BIO_free(in);
    return ok;
}

static bool use_key(SSL_CTX *context, const char *path)
{
    CLEANUP(secret_buf_deinit) struct buf text = SECRET_BUF_INIT(PEM_BYTES);
    BIO *in = open_pem(path, &text);
    EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, NULL, NULL) : NULL;
    bool ok = key && SSL_CTX_use_PrivateKey(context, key) == 1;

    EVP_PKEY_free(key); /* both may be NULL */
    BIO_free(in);
    return ok;
}

static bool check_pair(const char *certificate, const char *key, const char **file,
                       struct error *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    bool ok = false;

    *file = certificate;
    if (!context)
        return error_memory(err);
    if (!use_certificate(context, certificate)) {
        error_set(err, ERROR_INVALID, "%s: expected a PEM certificate that can be read",
                  certificate);
    } else {
        *file = key;
        ok = use_key(context, key) ||
             error_set(err, ERROR_INVALID,
                       "%s: expected a PEM key that can be read and belongs to %s", key,
                       certificate);
    }
    SSL_CTX_free(context);
    ERR_clear_error();
    return ok;
}

bool http_check_files(const struct http_options *options, const char **file, struct error *err)
{
    *file = options->ca_file;
    if (is_set(options->ca_file) && !options->skip_verify) {
        X509_STORE *store = tls_roots_new(options->ca_file, NULL, err);

        if (!store)
            return false;
        X509_STORE_free(store);
    }
    return !is_set(options->client_cert) ||
           check_pair(options->client_cert,
                      is_set(options->client_key) ? options->client_key : options->client_cert,
                      file, err);
}
