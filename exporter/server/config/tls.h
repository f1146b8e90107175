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

/* Prepares `session`, a gnutls_session_t before its handshake. It must not use its session pointer,
 * and `tls` must outlive it. A client that is rejected gets an alert, and the handshake fails. */
bool tls_setup_session(struct tls *tls, void *session, struct error *err) MUST_CHECK;
