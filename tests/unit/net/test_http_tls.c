/* SPDX-License-Identifier: Apache-2.0 */
/* HTTPS: which certificates the client trusts, presents and reports, against a TLS server. */
#include "net/http/http.h"

#include "base/clock.h"
#include "os/rootfs.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define EXPIRY 4000000000 /* unix time */

/* PEM files: the server's certificate, its key, both in one file, and an unrelated certificate. */
static char directory[32], cert[64], key[64], both[64], other[64];

static void write_pem(const char *path, const gnutls_datum_t *first, const gnutls_datum_t *second)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(first->data, 1, first->size, file), first->size);
    if (second)
        assert_int_equal(fwrite(second->data, 1, second->size, file), second->size);
    assert_int_equal(fclose(file), 0);
}

/* Makes a self-signed certificate for 127.0.0.1. */
static void make_pair(gnutls_datum_t *cert_pem, gnutls_datum_t *key_pem)
{
    static const unsigned char address[4] = {127, 0, 0, 1};
    gnutls_x509_privkey_t private_key;
    gnutls_x509_crt_t crt;

    gnutls_x509_privkey_init(&private_key);
    gnutls_x509_privkey_generate(private_key, GNUTLS_PK_ECDSA,
                                 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    gnutls_x509_crt_init(&crt);
    gnutls_x509_crt_set_version(crt, 3);
    gnutls_x509_crt_set_serial(crt, "\x01", 1);
    gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, "test", 4);
    gnutls_x509_crt_set_activation_time(crt, 1);
    gnutls_x509_crt_set_expiration_time(crt, EXPIRY);
    gnutls_x509_crt_set_ca_status(crt, 1);
    gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address, sizeof(address),
                                         GNUTLS_FSAN_SET);
    gnutls_x509_crt_set_key(crt, private_key);
    assert_int_equal(gnutls_x509_crt_sign2(crt, crt, private_key, GNUTLS_DIG_SHA256, 0), 0);
    gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, cert_pem);
    gnutls_x509_privkey_export2(private_key, GNUTLS_X509_FMT_PEM, key_pem);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(private_key);
}

static int make_files(void **state)
{
    gnutls_datum_t cert_pem, key_pem;

    (void)state;
    http_library_init();
    strcpy(directory, "/tmp/test_http_tls.XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(cert, sizeof(cert), "%s/cert", directory);
    snprintf(key, sizeof(key), "%s/key", directory);
    snprintf(both, sizeof(both), "%s/both", directory);
    snprintf(other, sizeof(other), "%s/other", directory);
    make_pair(&cert_pem, &key_pem);
    write_pem(other, &cert_pem, NULL);
    gnutls_free(cert_pem.data);
    gnutls_free(key_pem.data);
    make_pair(&cert_pem, &key_pem);
    write_pem(cert, &cert_pem, NULL);
    write_pem(key, &key_pem, NULL);
    write_pem(both, &cert_pem, &key_pem);
    gnutls_free(cert_pem.data);
    gnutls_free(key_pem.data);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    unlink(cert);
    unlink(key);
    unlink(both);
    unlink(other);
    rmdir(directory);
    http_library_deinit();
    return 0;
}

struct server {
    int listener;
    char url[64];
    gnutls_certificate_credentials_t credentials;
    gnutls_certificate_request_t wants_cert;
    pthread_t thread;
    bool got_cert;
};

/* Serves the requests of one connection. */
static void serve(struct server *server, int fd)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    gnutls_session_t session;
    char request[4096];
    int result;

    gnutls_init(&session, GNUTLS_SERVER);
    gnutls_set_default_priority(session);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, server->credentials);
    gnutls_certificate_server_set_request(session, server->wants_cert);
    gnutls_transport_set_int(session, fd);
    do
        result = gnutls_handshake(session);
    while (result < 0 && !gnutls_error_is_fatal(result));
    if (result == 0)
        server->got_cert = gnutls_certificate_get_peers(session, &(unsigned){0}) != NULL;
    while (result == 0 && gnutls_record_recv(session, request, sizeof(request)) > 0)
        gnutls_record_send(session, answer, sizeof(answer) - 1);
    gnutls_deinit(session);
}

static void *run(void *arg)
{
    struct server *server = arg;
    int fd;

    while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
        serve(server, fd);
        close(fd);
    }
    return NULL;
}

static void start(struct server *server, gnutls_certificate_request_t wants_cert)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    *server = (struct server){.wants_cert = wants_cert};
    gnutls_certificate_allocate_credentials(&server->credentials);
    assert_int_equal(
        gnutls_certificate_set_x509_key_file(server->credentials, cert, key, GNUTLS_X509_FMT_PEM),
        0);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    snprintf(server->url, sizeof(server->url), "https://127.0.0.1:%u/", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
}

static void stop(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    gnutls_certificate_free_credentials(server->credentials);
}

/* GETs twice over one client; ERROR_NONE for success. */
static enum error_code get(const char *url, const struct http_options *options, int64_t expiries[2],
                           struct http_times *times)
{
    CLEANUP(http_response_deinit) struct http_response response = HTTP_RESPONSE_INIT(100);
    const struct http_request request = {.method = "GET", .url = url};
    struct error err = {0};
    CLEANUP(http_freep) struct http *http = http_new(options, &err);
    struct cancel cancel;

    cancel_init(&cancel, clock_now_ns() + 60 * NS_PER_SECOND);
    for (int i = 0; http && i < 2 && err.code == ERROR_NONE; i++) {
        if (http_exchange(http, &request, &response, &cancel, &err))
            assert_string_equal(response.body.data, "ok");
        expiries[i] = response.certificate_expiry;
        if (i == 0)
            *times = response.times;
    }
    cancel_deinit(&cancel);
    return err.code;
}

static void trusts_only_the_configured_certificates(void **state)
{
    const char *const more[] = {cert, NULL}, *const more_other[] = {other, NULL};
    const char *const missing[] = {"/nonexistent", NULL};
    const struct {
        struct http_options options;
        enum error_code want;
    } rows[] = {
        {{0}, ERROR_TLS},
        {{.skip_verify = true}, ERROR_NONE},
        {{.ca_file = cert}, ERROR_NONE},
        {{.ca_file = other}, ERROR_TLS},
        {{.more_ca_files = more}, ERROR_NONE},
        {{.more_ca_files = more_other}, ERROR_TLS},
        {{.ca_file = other, .more_ca_files = more}, ERROR_NONE},
        {{.ca_file = cert, .more_ca_files = more_other}, ERROR_NONE},
        {{.more_ca_files = missing}, ERROR_INVALID},
        {{.ca_file = "/nonexistent"}, ERROR_TLS},
        {{.ca_file = "/nonexistent", .more_ca_files = more}, ERROR_INVALID},
    };
    struct server server;

    (void)state;
    start(&server, GNUTLS_CERT_IGNORE);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_times times;
        int64_t expiries[2];
        enum error_code code = get(server.url, &rows[i].options, expiries, &times);

        if (code != rows[i].want)
            fail_msg("row %zu: %s", i, error_code_name(code));
    }
    stop(&server);
}

/* Of the first connection only: curl knows nothing of the certificate of a kept one. */
static void reports_expiry_and_time_of_the_handshake(void **state)
{
    const struct http_options options = {.ca_file = cert};
    struct server server;
    struct http_times times;
    int64_t expiries[2];

    (void)state;
    start(&server, GNUTLS_CERT_IGNORE);
    assert_int_equal(get(server.url, &options, expiries, &times), ERROR_NONE);
    assert_true(expiries[0] == EXPIRY);
    assert_true(expiries[1] == 0);
    assert_true(times.connect >= 0 && times.tls > 0 && times.first_byte >= 0);
    stop(&server);
}

static void presents_a_client_certificate(void **state)
{
    const struct {
        struct http_options options;
        bool want;
    } rows[] = {
        {{.ca_file = cert}, false},
        {{.ca_file = cert, .client_cert = cert, .client_key = key}, true},
        {{.ca_file = cert, .client_cert = both}, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_times times;
        struct server server;
        int64_t expiries[2];

        start(&server, GNUTLS_CERT_REQUEST);
        assert_int_equal(get(server.url, &rows[i].options, expiries, &times), ERROR_NONE);
        stop(&server);
        assert_int_equal(server.got_cert, rows[i].want);
    }
}

static void a_bad_client_certificate_is_a_tls_error(void **state)
{
    const struct http_options rows[] = {
        {.ca_file = cert, .client_cert = cert, .client_key = other},
        {.ca_file = cert, .client_cert = "/nonexistent", .client_key = key},
        {.ca_file = cert, .client_cert = cert, .client_key = "/nonexistent"},
        {.ca_file = cert, .client_cert = "/dev/null"},
    };
    struct http_times times;
    struct server server;
    int64_t expiries[2];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        start(&server, GNUTLS_CERT_REQUEST);
        assert_int_equal(get(server.url, &rows[i], expiries, &times), ERROR_TLS);
        stop(&server);
    }
}

static void checks_the_files_of_a_client_certificate(void **state)
{
    const struct {
        struct http_options options;
        const char *file; /* at fault; NULL: none is */
    } rows[] = {
        {{.client_cert = both}, NULL},
        {{.client_cert = cert, .client_key = key}, NULL},
        {{.ca_file = cert}, NULL},
        {{.ca_file = "/nonexistent"}, "/nonexistent"},
        {{.ca_file = "/nonexistent", .skip_verify = true}, NULL},
        {{.client_cert = cert}, cert},
        {{.client_cert = other, .client_key = key}, key},
        {{.client_cert = key, .client_key = key}, key},
        {{.client_cert = "/dev/null"}, "/dev/null"},
        {{.client_cert = cert, .client_key = "/nonexistent"}, "/nonexistent"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *file = NULL;
        struct error err;
        bool ok = http_check_files(&rows[i].options, &file, &err);

        assert_int_equal(ok, !rows[i].file);
        if (!ok)
            assert_string_equal(file, rows[i].file);
    }
}

/* A path below --path.rootfs leads where it leads on the node. */
static void checks_the_files_of_the_node_inside_it(void **state)
{
    const char *file;
    struct error err;
    char node[64], there[80], here[80];

    (void)state;
    snprintf(node, sizeof(node), "%s/node", directory);
    snprintf(there, sizeof(there), "%s/pair", node);
    snprintf(here, sizeof(here), "%s/link", node);
    assert_int_equal(mkdir(node, 0700), 0);
    assert_int_equal(link(both, there), 0);
    assert_int_equal(symlink("/pair", here), 0);
    assert_true(rootfs_use(node, &err));
    assert_true(http_check_files(&(struct http_options){.client_cert = here}, &file, &err));
    assert_true(rootfs_use(NULL, &err));
    assert_int_equal(unlink(here), 0);
    assert_int_equal(unlink(there), 0);
    assert_int_equal(rmdir(node), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trusts_only_the_configured_certificates),
        cmocka_unit_test(reports_expiry_and_time_of_the_handshake),
        cmocka_unit_test(presents_a_client_certificate),
        cmocka_unit_test(a_bad_client_certificate_is_a_tls_error),
        cmocka_unit_test(checks_the_files_of_a_client_certificate),
        cmocka_unit_test(checks_the_files_of_the_node_inside_it),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
