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
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>
#include <sys/socket.h>

#define SAN_LIMIT_BYTES     2048
#define RECORD_HEADER_BYTES 5
#define RECORD_ALERT        21
#define RECORD_HANDSHAKE    22 /* the first byte of a TLS connection */

struct tls {
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priorities;
    gnutls_priority_t suite_priorities; /* after TLS 1.2 or older was negotiated; or NULL */
    enum client_auth client_auth;
    bool requires_certificate; /* in the handshake */
    const char *const *allowed_sans;
};

/* The handshake that GnuTLS runs, or ran last, on this thread. */
static _Thread_local struct tls_handshake *current;

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

/* The certificates of a PEM text, in its order. */
struct chain {
    gnutls_x509_crt_t *certificates;
    unsigned count;
};

static void chain_deinit(struct chain *chain)
{
    for (unsigned i = 0; i < chain->count; i++)
        gnutls_x509_crt_deinit(chain->certificates[i]);
    gnutls_free(chain->certificates);
}

static bool read_chain(struct chain *chain, const char *pem, struct error *err)
{
    gnutls_datum_t data = datum(pem);
    int r;

    if (!strstr(pem, "-----BEGIN "))
        return error_set(err, ERROR_INVALID, "invalid certificate: expected PEM");
    r = gnutls_x509_crt_list_import2(&chain->certificates, &chain->count, &data,
                                     GNUTLS_X509_FMT_PEM, 0);
    if (r < 0)
        return fail(err, "invalid certificate: expected PEM", r);
    return chain->count > 0 ||
           error_set(err, ERROR_INVALID, "no certificate found: expected at least one in PEM");
}

bool tls_check_certificate(const char *pem, struct error *err)
{
    CLEANUP(chain_deinit) struct chain chain = {0};

    return read_chain(&chain, pem, err);
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

/* What gnutls_certificate_set_key() takes over. */
struct pair {
    gnutls_pcert_st *chain;
    unsigned count;
    gnutls_privkey_t key;
};

static void pair_deinit(struct pair *pair)
{
    for (unsigned i = 0; i < pair->count; i++)
        gnutls_pcert_deinit(&pair->chain[i]);
    if (pair->key)
        gnutls_privkey_deinit(pair->key);
    free(pair->chain);
}

static int read_pair(struct pair *pair, const struct chain *chain, const char *key)
{
    gnutls_datum_t data = datum(key);
    int r = 0;

    pair->chain = calloc(chain->count, sizeof(pair->chain[0]));
    if (!pair->chain)
        return GNUTLS_E_MEMORY_ERROR;
    while (r == 0 && pair->count < chain->count) {
        r = gnutls_pcert_import_x509(&pair->chain[pair->count], chain->certificates[pair->count],
                                     0);
        pair->count += r == 0;
    }
    if (r == 0)
        r = gnutls_privkey_init(&pair->key);
    return r != 0 ? r
                  : gnutls_privkey_import_x509_raw(pair->key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
}

/* Clients get the certificates of the file as they are: GnuTLS would sort them, and leave out an
 * intermediate certificate that another root has signed, too. */
static bool add_pair(gnutls_certificate_credentials_t credentials, const char *certificate,
                     const char *key, struct error *err)
{
    CLEANUP(chain_deinit) struct chain chain = {0};
    CLEANUP(pair_deinit) struct pair pair = {0};
    int r;

    if (!read_chain(&chain, certificate, err))
        return false;
    r = read_pair(&pair, &chain, key);
    if (r == 0)
        r = gnutls_certificate_set_key(credentials, NULL, 0, pair.chain, (int)pair.count, pair.key);
    if (r == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return error_set(err, ERROR_INVALID, "the private key does not match the certificate");
    if (r < 0)
        return fail(err, "cannot use the certificate with its private key", r);
    pair.count = 0; /* the credentials own them */
    pair.key = NULL;
    return true;
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
    tls->requires_certificate = web_config_requires_certificate(config) && !config->open_health;
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

static int reject(gnutls_session_t session, gnutls_alert_description_t why)
{
    struct tls_handshake *handshake = gnutls_session_get_ptr(session);

    handshake->rejected = gnutls_alert_get_name(why);
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
    const struct tls *tls = ((struct tls_handshake *)gnutls_session_get_ptr(session))->tls;
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
    unsigned count = 0, status = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);

    if (!chain || count == 0)
        return tls->requires_certificate ? reject(session, GNUTLS_A_CERTIFICATE_REQUIRED) : 0;
    if (tls->client_auth < CLIENT_AUTH_VERIFY_IF_GIVEN)
        return 0;
    if (gnutls_certificate_verify_peers(session, &purpose, 1, &status) != 0)
        return reject(session, GNUTLS_A_BAD_CERTIFICATE);
    if (status != 0)
        return reject(session, alert_of(status));
    return is_allowed_certificate(tls, chain) ? 0 : reject(session, GNUTLS_A_BAD_CERTIFICATE);
}

/* Configured cipher suites apply up to TLS 1.2; TLS 1.3 keeps its own. */
static int read_hello(gnutls_session_t session)
{
    struct tls_handshake *handshake = gnutls_session_get_ptr(session);
    gnutls_priority_t priorities = handshake->tls->suite_priorities;

    handshake->hello = true;
    return priorities && gnutls_protocol_get_version(session) <= GNUTLS_TLS1_2
               ? gnutls_priority_set(session, priorities)
               : 0;
}

/* GnuTLS reads the header of a record, then the rest. Clients of TLS 1.3 may send an alert in the
 * clear, which GnuTLS takes for a malformed record. */
static void note_record(struct tls_handshake *handshake, const unsigned char *data, size_t size)
{
    if (!handshake->first_byte)
        handshake->first_byte = data[0];
    if (size == RECORD_HEADER_BYTES)
        handshake->record_type = data[0];
    else if (size == 2 && handshake->record_type == RECORD_ALERT)
        handshake->alert = data[1];
}

/* Receives as GnuTLS does, and notes what GnuTLS does not report. */
static ssize_t receive(gnutls_transport_ptr_t arg, void *data, size_t size)
{
    struct tls_handshake *handshake = arg;
    ssize_t n = recv(handshake->fd, data, size, 0);

    current = handshake;
    if (n > 0)
        note_record(handshake, data, (size_t)n);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        handshake->ended = true;
    return n;
}

bool tls_setup_session(struct tls *tls, void *session, int fd, struct tls_handshake *handshake,
                       struct error *err)
{
    int r = gnutls_priority_set(session, tls->priorities);

    if (r == 0) /* second: the priorities decide whether its key usage excludes TLS 1.3 */
        r = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, tls->credentials);
    if (r != 0)
        return error_set(err, ERROR_INTERNAL, "cannot set up a TLS session: %s",
                         gnutls_strerror(r));
    *handshake = (struct tls_handshake){.tls = tls, .session = session, .fd = fd};
    gnutls_session_set_ptr(session, handshake);
    gnutls_transport_set_ptr2(session, handshake, (gnutls_transport_ptr_t)(intptr_t)fd);
    gnutls_transport_set_pull_function(session, receive);
    gnutls_handshake_set_post_client_hello_function(session, read_hello);
    if (tls->client_auth != CLIENT_AUTH_NONE) {
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
        gnutls_session_set_verify_function(session, verify);
    }
    return true;
}

const struct tls_handshake *tls_failed_handshake(void)
{
    return current && current->first_byte ? current : NULL;
}

void tls_forget(const struct tls_handshake *handshake)
{
    if (current == handshake)
        current = NULL;
}

/* Go's server sends an alert, too, where the two sides have nothing in common. */
static enum tls_failure refuse_parameters(const struct tls_handshake *handshake, const char **why)
{
    *why = handshake->hello ? "no common cipher suite, group or signature"
                            : "no common version of TLS, or a malformed hello";
    gnutls_alert_send(handshake->session, GNUTLS_AL_FATAL,
                      handshake->hello ? GNUTLS_A_HANDSHAKE_FAILURE : GNUTLS_A_PROTOCOL_VERSION);
    return TLS_PARAMETERS;
}

enum tls_failure tls_failure_of(const struct tls_handshake *handshake, const char **why)
{
    gnutls_alert_description_t alert =
        handshake->alert ? handshake->alert : gnutls_alert_get(handshake->session);

    if (handshake->rejected) {
        *why = handshake->rejected;
        return TLS_CLIENT_CERTIFICATE;
    }
    if (alert != GNUTLS_A_CLOSE_NOTIFY) {
        *why = gnutls_alert_get_name(alert);
        return TLS_CLIENT_ALERT;
    }
    if (handshake->first_byte != RECORD_HANDSHAKE) {
        *why = "the client does not speak TLS";
        return TLS_NOT_TLS;
    }
    if (!handshake->ended)
        return refuse_parameters(handshake, why);
    *why = "the connection was closed";
    return TLS_CLOSED;
}

bool tls_has_peer_certificate(void *session)
{
    unsigned count = 0;

    return gnutls_certificate_get_peers(session, &count) && count > 0;
}

bool tls_send(void *session, const void *data, size_t size)
{
    return gnutls_record_send(session, data, size) == (ssize_t)size;
}
