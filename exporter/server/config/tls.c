/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only file that uses GnuTLS.
 *
 * Clients without a required certificate get an alert from verify(), not from GnuTLS, which would
 * close the connection without one: GnuTLS only requests a certificate. verify() runs on every
 * connection, also without a certificate, because sessions are never resumed.
 */
#include "server/config/tls.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#define CHAIN_MAX       16
#define SAN_LIMIT_BYTES 2048

struct tls {
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priorities;
    gnutls_priority_t suite_priorities; /* after TLS 1.2 or older was negotiated; or NULL */
    enum client_auth client_auth;
    const char *const *allowed_sans;
};

static gnutls_datum_t datum(const char *text)
{
    return (gnutls_datum_t){(unsigned char *)text, (unsigned)strlen(text)};
}

static void certificate_deinitp(gnutls_x509_crt_t *certificate)
{
    gnutls_x509_crt_deinit(*certificate);
}

static void key_deinitp(gnutls_x509_privkey_t *key)
{
    gnutls_x509_privkey_deinit(*key);
}

static void credentials_freep(gnutls_certificate_credentials_t *credentials)
{
    gnutls_certificate_free_credentials(*credentials);
}

static bool fail(struct error *err, const char *what, int r)
{
    if (r == GNUTLS_E_MEMORY_ERROR)
        return error_memory(err);
    return error_set(err, ERROR_INVALID, "%s: %s", what, gnutls_strerror(r));
}

bool tls_check_certificate(const char *pem, struct error *err)
{
    gnutls_datum_t data = datum(pem);
    gnutls_x509_crt_t chain[CHAIN_MAX];
    unsigned count = CHAIN_MAX;
    int r;

    if (!strstr(pem, "-----BEGIN "))
        return error_set(err, ERROR_INVALID, "invalid certificate: expected PEM");
    r = gnutls_x509_crt_list_import(chain, &count, &data, GNUTLS_X509_FMT_PEM,
                                    GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);
    if (r == GNUTLS_E_SHORT_MEMORY_BUFFER)
        return error_set(err, ERROR_LIMIT, "too many certificates: the limit is %d", CHAIN_MAX);
    if (r < 0)
        return fail(err, "invalid certificate: expected PEM", r);
    for (int i = 0; i < r; i++)
        gnutls_x509_crt_deinit(chain[i]);
    return r > 0 ||
           error_set(err, ERROR_INVALID, "no certificate found: expected at least one in PEM");
}

/* GnuTLS only reports a parse error for an encrypted key. */
static bool is_encrypted(const char *pem)
{
    return strstr(pem, "-----BEGIN ENCRYPTED PRIVATE KEY-----") ||
           strstr(pem, "Proc-Type: 4,ENCRYPTED");
}

bool tls_check_key(const char *pem, struct error *err)
{
    gnutls_datum_t data = datum(pem);
    CLEANUP(key_deinitp) gnutls_x509_privkey_t key = NULL;
    int r;

    if (is_encrypted(pem))
        return error_set(err, ERROR_INVALID,
                         "invalid private key: it is encrypted, expected one without a passphrase");
    r = gnutls_x509_privkey_init(&key);
    if (r == 0)
        r = gnutls_x509_privkey_import2(key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
    return r == 0 || fail(err, "invalid private key: expected PEM", r);
}

static bool add_pair(gnutls_certificate_credentials_t credentials, const char *certificate,
                     const char *key, struct error *err)
{
    gnutls_datum_t certificate_data = datum(certificate), key_data = datum(key);
    int r = gnutls_certificate_set_x509_key_mem2(credentials, &certificate_data, &key_data,
                                                 GNUTLS_X509_FMT_PEM, NULL, 0);

    if (r == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return error_set(err, ERROR_INVALID, "the private key does not match the certificate");
    return r >= 0 || fail(err, "cannot use the certificate with its private key", r);
}

bool tls_check_pair(const char *certificate, const char *key, struct error *err)
{
    CLEANUP(credentials_freep) gnutls_certificate_credentials_t credentials = NULL;

    if (gnutls_certificate_allocate_credentials(&credentials) != 0)
        return error_memory(err);
    return add_pair(credentials, certificate, key, err);
}

static bool add_authority(gnutls_certificate_credentials_t credentials, const char *pem,
                          struct error *err)
{
    gnutls_datum_t data = datum(pem);
    int r = gnutls_certificate_set_x509_trust_mem(credentials, &data, GNUTLS_X509_FMT_PEM);

    if (r == 0)
        return error_set(err, ERROR_INVALID, "no certificate found: expected at least one in PEM");
    return r > 0 || fail(err, "invalid certificate: expected PEM", r);
}

bool tls_check_authority(const char *pem, struct error *err)
{
    CLEANUP(credentials_freep) gnutls_certificate_credentials_t credentials = NULL;

    if (gnutls_certificate_allocate_credentials(&credentials) != 0)
        return error_memory(err);
    return add_authority(credentials, pem, err);
}

static bool make_priorities(gnutls_priority_t *priorities, const char *text, struct error *err)
{
    int r = gnutls_priority_init(priorities, text, NULL);

    return r == 0 || fail(err, "these TLS settings allow no connection", r);
}

bool tls_check_priorities(const char *text, struct error *err)
{
    gnutls_priority_t priorities;

    if (!make_priorities(&priorities, text, err))
        return false;
    gnutls_priority_deinit(priorities);
    return true;
}

bool tls_mac_key(unsigned char key[TLS_MAC_BYTES], struct error *err)
{
    int r = gnutls_rnd(GNUTLS_RND_KEY, key, TLS_MAC_BYTES);

    return r == 0 || error_set(err, ERROR_INTERNAL, "no random bits: %s", gnutls_strerror(r));
}

bool tls_mac(const unsigned char key[TLS_MAC_BYTES], const void *data, size_t size,
             unsigned char out[TLS_MAC_BYTES])
{
    return gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, TLS_MAC_BYTES, data, size, out) == 0;
}

/* Without client_ca, clients are verified with the system's authorities, as in Go. */
static bool add_trust(struct tls *tls, const struct web_config *config, struct error *err)
{
    int r;

    if (config->client_ca)
        return add_authority(tls->credentials, config->client_ca, err);
    if (config->client_auth < CLIENT_AUTH_VERIFY_IF_GIVEN)
        return true;
    r = gnutls_certificate_set_x509_system_trust(tls->credentials);
    return r >= 0 || fail(err, "cannot load the system's certificate authorities", r);
}

struct tls *tls_new(const struct web_config *config, struct error *err)
{
    CLEANUP(tls_freep) struct tls *tls = calloc(1, sizeof(*tls));

    if (!tls || gnutls_certificate_allocate_credentials(&tls->credentials) != 0) {
        error_memory(err);
        return NULL;
    }
    tls->client_auth = config->client_auth;
    tls->allowed_sans = config->client_allowed_sans;
    if (!add_pair(tls->credentials, config->certificate, config->key, err) ||
        !add_trust(tls, config, err) || !make_priorities(&tls->priorities, config->priorities, err))
        return NULL;
    if (config->suite_priorities &&
        !make_priorities(&tls->suite_priorities, config->suite_priorities, err))
        return NULL;
    return TAKE(tls);
}

void tls_free(struct tls *tls)
{
    if (tls->credentials)
        gnutls_certificate_free_credentials(tls->credentials);
    if (tls->priorities)
        gnutls_priority_deinit(tls->priorities);
    if (tls->suite_priorities)
        gnutls_priority_deinit(tls->suite_priorities);
    free(tls);
}

/* Compares the length, too: a name with a NUL inside must not match its beginning. */
static bool is_allowed(const struct tls *tls, const char *name, size_t size)
{
    for (const char *const *allowed = tls->allowed_sans; *allowed; allowed++)
        if (strlen(*allowed) == size && memcmp(*allowed, name, size) == 0)
            return true;
    return false;
}

static bool is_allowed_address(const struct tls *tls, const char *bytes, size_t size)
{
    char name[INET6_ADDRSTRLEN];

    if (size != 4 && size != 16)
        return false;
    inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, name, sizeof(name));
    return is_allowed(tls, name, strlen(name));
}

/* Ignores names longer than SAN_LIMIT_BYTES. */
static bool has_allowed_san(const struct tls *tls, gnutls_x509_crt_t certificate)
{
    for (unsigned i = 0;; i++) {
        char name[SAN_LIMIT_BYTES];
        size_t size = sizeof(name);
        int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, name, &size, NULL);

        if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
            continue;
        if (type < 0)
            return false;
        if (type == GNUTLS_SAN_IPADDRESS && is_allowed_address(tls, name, size))
            return true;
        if ((type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_RFC822NAME ||
             type == GNUTLS_SAN_URI) &&
            is_allowed(tls, name, size))
            return true;
    }
}

static bool is_allowed_certificate(const struct tls *tls, const gnutls_datum_t *leaf)
{
    CLEANUP(certificate_deinitp) gnutls_x509_crt_t certificate = NULL;

    return !tls->allowed_sans ||
           (gnutls_x509_crt_init(&certificate) == 0 &&
            gnutls_x509_crt_import(certificate, leaf, GNUTLS_X509_FMT_DER) == 0 &&
            has_allowed_san(tls, certificate));
}

static int send_alert(gnutls_session_t session, gnutls_alert_description_t why)
{
    gnutls_alert_send(session, GNUTLS_AL_FATAL, why);
    return GNUTLS_E_CERTIFICATE_ERROR;
}

static gnutls_alert_description_t alert_of(unsigned status)
{
    if (status & GNUTLS_CERT_SIGNER_NOT_FOUND)
        return GNUTLS_A_UNKNOWN_CA;
    if (status & GNUTLS_CERT_EXPIRED)
        return GNUTLS_A_CERTIFICATE_EXPIRED;
    return GNUTLS_A_BAD_CERTIFICATE;
}

/* Returns 0 if the handshake may continue. */
static int verify(gnutls_session_t session)
{
    const struct tls *tls = gnutls_session_get_ptr(session);
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
    unsigned count = 0, status = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);

    if (!chain || count == 0)
        return tls->client_auth == CLIENT_AUTH_REQUIRE_ANY ||
                       tls->client_auth == CLIENT_AUTH_REQUIRE_AND_VERIFY
                   ? send_alert(session, GNUTLS_A_CERTIFICATE_REQUIRED)
                   : 0;
    if (tls->client_auth < CLIENT_AUTH_VERIFY_IF_GIVEN)
        return 0;
    if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) != 0)
        return send_alert(session, GNUTLS_A_BAD_CERTIFICATE);
    if (status != 0)
        return send_alert(session, alert_of(status));
    return is_allowed_certificate(tls, chain) ? 0 : send_alert(session, GNUTLS_A_BAD_CERTIFICATE);
}

/* Configured cipher suites apply up to TLS 1.2; TLS 1.3 keeps its own. */
static int restrict_suites(gnutls_session_t session)
{
    const struct tls *tls = gnutls_session_get_ptr(session);

    return gnutls_protocol_get_version(session) <= GNUTLS_TLS1_2
               ? gnutls_priority_set(session, tls->suite_priorities)
               : 0;
}

bool tls_setup_session(struct tls *tls, void *session, struct error *err)
{
    int r = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, tls->credentials);

    if (r == 0)
        r = gnutls_priority_set(session, tls->priorities);
    if (r != 0)
        return error_set(err, ERROR_INTERNAL, "cannot set up a TLS session: %s",
                         gnutls_strerror(r));
    gnutls_session_set_ptr(session, tls);
    if (tls->suite_priorities)
        gnutls_handshake_set_post_client_hello_function(session, restrict_suites);
    if (tls->client_auth != CLIENT_AUTH_NONE) {
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
        gnutls_session_set_verify_function(session, verify);
    }
    return true;
}
