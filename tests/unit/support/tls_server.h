/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTPS server for unit tests, with a self-signed certificate of given names. It answers each
 * request with "ok". It can also be the proxy in front of itself: it accepts any CONNECT, in plain
 * text or in TLS of its own, so that a client can ask for hosts without an address.
 */
#ifndef TESTS_TLS_SERVER_H
#define TESTS_TLS_SERVER_H

#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdbool.h>

#define TLS_NAMES_MAX 4

struct tls_names {
    const char *common_name;
    const char *dns[TLS_NAMES_MAX], *address, *email, *uri; /* of the SAN; may be NULL */
    unsigned rsa_bits;                                      /* 0: ECDSA */
};

/* Credentials, and the certificate as a PEM file. */
struct tls_identity {
    gnutls_certificate_credentials_t credentials;
    char path[64];
};
void tls_identity_init(struct tls_identity *identity, const struct tls_names *names);
void tls_identity_deinit(struct tls_identity *identity);

struct tls_server {
    const struct tls_identity *identity, *proxy; /* proxy: of a TLS proxy; NULL: none */
    bool tunnel;                                 /* accept CONNECT first; with `proxy` always */
    int listener;
    char authority[24]; /* "127.0.0.1:PORT" */
    pthread_t thread;
};
void tls_server_start(struct tls_server *server);
void tls_server_stop(struct tls_server *server);

#endif
