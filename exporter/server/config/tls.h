/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What GnuTLS is to do: certificates, keys and priorities looked at while a configuration is read,
 * and made ready once for all sessions of it.
 */
#ifndef SERVER_CONFIG_TLS_H
#define SERVER_CONFIG_TLS_H

#include "server/config/web_config.h"

/* Whether GnuTLS takes them. ERROR_INVALID says what is wrong, and never quotes a key. */
bool tls_check_certificate(const char *pem, struct error *err) MUST_CHECK;
bool tls_check_key(const char *pem, struct error *err) MUST_CHECK;
bool tls_check_pair(const char *certificate, const char *key, struct error *err) MUST_CHECK;
bool tls_check_authority(const char *pem, struct error *err) MUST_CHECK;
bool tls_check_priorities(const char *priorities, struct error *err) MUST_CHECK;

struct tls; /* never changes, so that any thread may use it */

/* What `config` points to has to live as long as the result. */
struct tls *tls_new(const struct web_config *config, struct error *err);
void tls_free(struct tls *tls);
DEFINE_CLEANUP(struct tls *, tls_free)

/* Of a connection that was accepted and has not shaken hands: from now on it is a session of `tls`,
 * which has to outlive it. `session` is a gnutls_session_t whose pointer is taken. A client that
 * is not admitted is told so by an alert, and the handshake fails. */
bool tls_setup_session(struct tls *tls, void *session, struct error *err) MUST_CHECK;

#endif
