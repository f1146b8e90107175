/* SPDX-License-Identifier: Apache-2.0 */
#include "support/tls_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TLS_REQUEST_BYTES 4096
#define TLS_EXPIRY        4000000000 /* unix time */

static void tls_add_name(gnutls_x509_crt_t crt, gnutls_x509_subject_alt_name_t type,
                         const void *name, size_t size)
{
    int result =
        gnutls_x509_crt_set_subject_alt_name(crt, type, name, (unsigned)size, GNUTLS_FSAN_APPEND);

    assert(result == 0);
}

static void tls_add_names(gnutls_x509_crt_t crt, const struct tls_names *names)
{
    unsigned char address[16];

    for (size_t i = 0; i < TLS_NAMES_MAX && names->dns[i]; i++)
        tls_add_name(crt, GNUTLS_SAN_DNSNAME, names->dns[i], strlen(names->dns[i]));
    if (names->email)
        tls_add_name(crt, GNUTLS_SAN_RFC822NAME, names->email, strlen(names->email));
    if (names->uri)
        tls_add_name(crt, GNUTLS_SAN_URI, names->uri, strlen(names->uri));
    if (names->address)
        tls_add_name(crt, GNUTLS_SAN_IPADDRESS, address,
                     inet_pton(AF_INET, names->address, address) == 1    ? 4
                     : inet_pton(AF_INET6, names->address, address) == 1 ? 16
                                                                         : 0);
}

static void tls_generate_key(gnutls_x509_privkey_t key, unsigned rsa_bits)
{
    int result =
        rsa_bits > 0
            ? gnutls_x509_privkey_generate(key, GNUTLS_PK_RSA, rsa_bits, 0)
            : gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                           GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);

    assert(result == 0);
}

static void tls_write(struct tls_identity *identity, gnutls_x509_crt_t crt)
{
    gnutls_datum_t pem;
    ssize_t written;
    int fd;

    strcpy(identity->path, "/tmp/test_tls.XXXXXX");
    fd = mkstemp(identity->path);
    assert(fd >= 0);
    gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem);
    written = write(fd, pem.data, pem.size);
    assert(written == (ssize_t)pem.size);
    gnutls_free(pem.data);
    close(fd);
}

void tls_identity_init(struct tls_identity *identity, const struct tls_names *names)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t crt;
    int result;

    gnutls_x509_privkey_init(&key);
    tls_generate_key(key, names->rsa_bits);
    gnutls_x509_crt_init(&crt);
    gnutls_x509_crt_set_version(crt, 3);
    gnutls_x509_crt_set_serial(crt, "\x01", 1);
    gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, names->common_name,
                                  (unsigned)strlen(names->common_name));
    gnutls_x509_crt_set_activation_time(crt, 1);
    gnutls_x509_crt_set_expiration_time(crt, TLS_EXPIRY);
    gnutls_x509_crt_set_ca_status(crt, 1);
    tls_add_names(crt, names);
    gnutls_x509_crt_set_key(crt, key);
    result = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
    assert(result == 0);
    tls_write(identity, crt);
    gnutls_certificate_allocate_credentials(&identity->credentials);
    result = gnutls_certificate_set_x509_key(identity->credentials, &crt, 1, key);
    assert(result == 0);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
}

void tls_identity_deinit(struct tls_identity *identity)
{
    unlink(identity->path);
    gnutls_certificate_free_credentials(identity->credentials);
}

static bool tls_open(gnutls_session_t *session, const struct tls_identity *identity)
{
    gnutls_init(session, GNUTLS_SERVER);
    gnutls_priority_set_direct(*session, "NORMAL:%PROFILE_VERY_WEAK", NULL);
    return gnutls_credentials_set(*session, GNUTLS_CRD_CERTIFICATE, identity->credentials) == 0;
}

static bool tls_shake_hands(gnutls_session_t session)
{
    int result;

    do
        result = gnutls_handshake(session);
    while (result < 0 && !gnutls_error_is_fatal(result));
    return result == 0;
}

static void tls_answer(gnutls_session_t session)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    char request[TLS_REQUEST_BYTES];

    while (gnutls_record_recv(session, request, sizeof(request)) > 0)
        gnutls_record_send(session, answer, sizeof(answer) - 1);
}

static const char connected[] = "HTTP/1.1 200 OK\r\n\r\n";

static ssize_t tls_pull(gnutls_transport_ptr_t outer, void *data, size_t size)
{
    return gnutls_record_recv(outer, data, size);
}

static ssize_t tls_push(gnutls_transport_ptr_t outer, const void *data, size_t size)
{
    return gnutls_record_send(outer, data, size);
}

static int tls_wait(gnutls_transport_ptr_t outer, unsigned milliseconds)
{
    (void)outer, (void)milliseconds;
    return 1;
}

/* TLS in TLS. */
static void tls_serve_proxied(struct tls_server *server, int fd)
{
    gnutls_session_t outer, inner;
    char request[TLS_REQUEST_BYTES];

    tls_open(&outer, server->proxy);
    gnutls_transport_set_int(outer, fd);
    tls_open(&inner, server->identity);
    gnutls_transport_set_ptr(inner, outer);
    gnutls_transport_set_pull_function(inner, tls_pull);
    gnutls_transport_set_push_function(inner, tls_push);
    gnutls_transport_set_pull_timeout_function(inner, tls_wait);
    if (tls_shake_hands(outer) && gnutls_record_recv(outer, request, sizeof(request)) > 0 &&
        gnutls_record_send(outer, connected, sizeof(connected) - 1) > 0 && tls_shake_hands(inner))
        tls_answer(inner);
    gnutls_deinit(inner);
    gnutls_deinit(outer);
}

static void tls_serve(struct tls_server *server, int fd)
{
    gnutls_session_t session;
    char request[TLS_REQUEST_BYTES];

    if (server->proxy) {
        tls_serve_proxied(server, fd);
        return;
    }
    if (server->tunnel && (recv(fd, request, sizeof(request), 0) <= 0 ||
                           send(fd, connected, sizeof(connected) - 1, MSG_NOSIGNAL) <= 0))
        return;
    tls_open(&session, server->identity);
    gnutls_transport_set_int(session, fd);
    if (tls_shake_hands(session))
        tls_answer(session);
    gnutls_deinit(session);
}

static void *tls_run(void *arg)
{
    struct tls_server *server = arg;
    int fd;

    while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
        tls_serve(server, fd);
        close(fd);
    }
    return NULL;
}

void tls_server_start(struct tls_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int result;

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    result = bind(server->listener, (struct sockaddr *)&address, size);
    assert(result == 0);
    result = listen(server->listener, 8);
    assert(result == 0);
    getsockname(server->listener, (struct sockaddr *)&address, &size);
    snprintf(server->authority, sizeof(server->authority), "127.0.0.1:%u", ntohs(address.sin_port));
    result = pthread_create(&server->thread, NULL, tls_run, server);
    assert(result == 0);
}

void tls_server_stop(struct tls_server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
}
