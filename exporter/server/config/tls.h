/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GnuTLS for the web configuration: checks certificates, keys and priorities while a configuration
 * is read, prepares sessions, and computes MACs.
 */
#pragma once

#include "server/config/web_config.h"

/* Whether GnuTLS accepts them. Messages never quote a key. */
bool tls_check_certificate(const char *pem, struct error *err) MUST_CHECK;
bool tls_check_key(const char *pem, struct error *err) MUST_CHECK;
bool tls_check_pair(const char *certificate, const char *key, struct error *err) MUST_CHECK;
bool tls_check_authority(const char *pem, struct error *err) MUST_CHECK;
bool tls_check_priorities(const char *priorities, struct error *err) MUST_CHECK;

struct tls; /* immutable, so any thread may use it */

#define TLS_MAC_BYTES 32

/* A random key for tls_mac(). */
bool tls_mac_key(unsigned char key[TLS_MAC_BYTES], struct error *err) MUST_CHECK;
/* HMAC-SHA-256. Returns false without memory. Thread-safe. */
bool tls_mac(const unsigned char key[TLS_MAC_BYTES], const void *data, size_t size,
             unsigned char out[TLS_MAC_BYTES]) MUST_CHECK;

/* `config` must outlive the result. */
struct tls *tls_new(const struct web_config *config, struct error *err);
void tls_free(struct tls *tls);
DEFINE_CLEANUP(struct tls *, tls_free)

/* The handshake of one connection. The connection owns it: it must outlive the session. */
struct tls_handshake {
    const struct sockaddr *peer; /* the owner's, for messages */
    const struct tls *tls;       /* what follows is private to tls.c */
    void *session;
    int fd;
    unsigned char first_byte;  /* of the client; 0: none yet */
    unsigned char record_type; /* of the last record */
    unsigned char alert;       /* that came in the clear; 0: none */
    bool hello, ended;         /* the client's hello was read; its bytes have ended */
    const char *rejected;      /* why its certificate was rejected, or NULL */
};

enum tls_failure {
    TLS_CLIENT_ALERT,       /* the client rejected the certificate or the settings of the server */
    TLS_CLIENT_CERTIFICATE, /* the certificate of the client is missing or invalid */
    TLS_CLOSED,
    TLS_NOT_TLS,
    TLS_PARAMETERS, /* no common version, cipher suite or group */
    TLS_FAILURES,
};

/* Prepares `session`, a gnutls_session_t on the socket `fd` before its handshake. The session must
 * not use its session pointer, and `tls` must outlive it. A client that is rejected gets an alert,
 * and the handshake fails. */
bool tls_setup_session(struct tls *tls, void *session, int fd, struct tls_handshake *handshake,
                       struct error *err) MUST_CHECK;

/* For the thread on which a handshake has just failed: which one, and why. NULL: one whose client
 * never sent a byte. */
const struct tls_handshake *tls_failed_handshake(void);
enum tls_failure tls_failure_of(const struct tls_handshake *handshake, const char **why);
/* Before the handshake is freed, on the thread of its session. */
void tls_forget(const struct tls_handshake *handshake);

/* After the handshake. tls_send() returns false unless all was sent at once. */
bool tls_has_peer_certificate(void *session);
bool tls_send(void *session, const void *data, size_t size);
