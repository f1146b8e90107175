/* SPDX-License-Identifier: Apache-2.0 */
/* TLS handshakes in memory: which clients are admitted, which alert the others get; and the MAC. */
#include "server/config/tls.h"

#include "base/buf.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PEM_BYTES ((size_t)4096)
#define YEAR_S    (365 * 86400)

static const char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

struct identity {
    gnutls_x509_crt_t certificate;
    gnutls_x509_privkey_t key;
    char certificate_pem[PEM_BYTES], key_pem[PEM_BYTES];
};

/* The authority signs server, client and expired. */
static struct identity authority, other_authority, server, client, expired, stranger, not_client;

static void check(int r)
{
    if (r < 0)
        fail_msg("%s", gnutls_strerror(r));
}

static void export_pem(struct identity *identity)
{
    size_t certificate_size = PEM_BYTES, key_size = PEM_BYTES;

    check(gnutls_x509_crt_export(identity->certificate, GNUTLS_X509_FMT_PEM,
                                 identity->certificate_pem, &certificate_size));
    check(gnutls_x509_privkey_export(identity->key, GNUTLS_X509_FMT_PEM, identity->key_pem,
                                     &key_size));
}

/* As DER, because GnuTLS would write the first name only up to its NUL. */
static void add_names(gnutls_x509_crt_t certificate)
{
    static const char names[] = "\x30\x4a"
                                "\x82\x09"
                                "b.example"
                                "\x81\x09"
                                "c@example"
                                "\x86\x0a"
                                "spiffe://d"
                                "\x87\x04\xc0\x00\x02\x01"
                                "\x87\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
                                "\x82\x0e"
                                "a.example\0evil";

    check(gnutls_x509_crt_set_extension_by_oid(certificate, "2.5.29.17", names, sizeof(names) - 1,
                                               0));
}

/* `issuer` NULL: an authority of its own. `usage` 0: no such extension. */
static void make_for(struct identity *identity, const char *name, const struct identity *issuer,
                     const char *purpose, unsigned usage, time_t until)
{
    static unsigned char serial;
    gnutls_x509_crt_t certificate;

    serial++;
    check(gnutls_x509_privkey_init(&identity->key));
    check(gnutls_x509_privkey_generate(identity->key, GNUTLS_PK_ECDSA,
                                       GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    check(gnutls_x509_crt_init(&identity->certificate));
    certificate = identity->certificate;
    check(gnutls_x509_crt_set_version(certificate, 3));
    check(gnutls_x509_crt_set_serial(certificate, &serial, 1));
    check(gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                        (unsigned)strlen(name)));
    check(gnutls_x509_crt_set_activation_time(certificate, time(NULL) - YEAR_S));
    check(gnutls_x509_crt_set_expiration_time(certificate, until));
    check(gnutls_x509_crt_set_key(certificate, identity->key));
    check(gnutls_x509_crt_set_basic_constraints(certificate, issuer ? 0 : 1, -1));
    if (usage)
        check(gnutls_x509_crt_set_key_usage(certificate, usage));
    if (purpose) {
        check(gnutls_x509_crt_set_key_purpose_oid(certificate, purpose, 0));
        add_names(certificate);
    }
    check(gnutls_x509_crt_sign2(certificate, issuer ? issuer->certificate : certificate,
                                issuer ? issuer->key : identity->key, GNUTLS_DIG_SHA256, 0));
    export_pem(identity);
}

static void make(struct identity *identity, const char *name, const struct identity *issuer,
                 const char *purpose, time_t until)
{
    make_for(identity, name, issuer, purpose, 0, until);
}

static int make_identities(void **state)
{
    time_t later = time(NULL) + YEAR_S;

    (void)state;
    make(&authority, "authority", NULL, NULL, later);
    make(&other_authority, "other_authority", NULL, NULL, later);
    make(&server, "server", &authority, GNUTLS_KP_TLS_WWW_SERVER, later);
    make(&client, "client", &authority, GNUTLS_KP_TLS_WWW_CLIENT, later);
    make(&expired, "expired", &authority, GNUTLS_KP_TLS_WWW_CLIENT, time(NULL) - 60);
    make(&stranger, "stranger", &other_authority, GNUTLS_KP_TLS_WWW_CLIENT, later);
    make(&not_client, "not_client", &authority, GNUTLS_KP_TLS_WWW_SERVER, later);
    return 0;
}

static int free_identities(void **state)
{
    struct identity *all[] = {&authority, &other_authority, &server,    &client,
                              &expired,   &stranger,        &not_client};

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        gnutls_x509_crt_deinit(all[i]->certificate);
        gnutls_x509_privkey_deinit(all[i]->key);
    }
    return 0;
}

/* ---- Handshakes ----------------------------------------------------------------------------- */

struct result {
    bool admitted;
    int alert; /* that the client received; -1: none */
    enum tls_failure failure;
    bool has_certificate;    /* the client, as the server sees it */
    unsigned n_certificates; /* that the client received */
    gnutls_protocol_t version;
    gnutls_cipher_algorithm_t cipher;
};

static gnutls_session_t start_session(unsigned flags, int fd)
{
    gnutls_session_t session;

    check(gnutls_init(&session, flags | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL));
    gnutls_transport_set_int(session, fd);
    gnutls_handshake_set_timeout(session, GNUTLS_INDEFINITE_TIMEOUT);
    return session;
}

/* In TLS 1.3 the client ends its handshake first; only a read shows it an alert. */
static void exchange_flights(gnutls_session_t own, gnutls_session_t peer, struct result *result)
{
    int ours = GNUTLS_E_AGAIN, theirs = GNUTLS_E_AGAIN;
    const char *why;
    char byte;

    for (int i = 0; i < 100 && !(ours != GNUTLS_E_AGAIN && theirs != GNUTLS_E_AGAIN); i++) {
        if (theirs == GNUTLS_E_AGAIN)
            theirs = gnutls_handshake(peer);
        if (ours == GNUTLS_E_AGAIN)
            ours = gnutls_handshake(own);
    }
    result->admitted = ours == 0;
    if (gnutls_error_is_fatal(ours) && tls_failed_handshake())
        result->failure = tls_failure_of(tls_failed_handshake(), &why);
    result->has_certificate = tls_has_peer_certificate(own);
    gnutls_certificate_get_peers(peer, &result->n_certificates);
    if (theirs == 0)
        theirs = (int)gnutls_record_recv(peer, &byte, 1);
    result->alert = theirs == GNUTLS_E_FATAL_ALERT_RECEIVED ? (int)gnutls_alert_get(peer) : -1;
    result->version = gnutls_protocol_get_version(own);
    result->cipher = gnutls_cipher_get(own);
}

/* One handshake of a client with `identity` (NULL: without a certificate). */
static struct result shake(const struct web_config *config, const struct identity *identity,
                           const char *client_priorities)
{
    CLEANUP(tls_freep) struct tls *tls = NULL;
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t own, peer;
    struct result result = {.alert = -1, .failure = TLS_FAILURES};
    struct tls_handshake handshake;
    struct error err;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    tls = tls_new(config, &err);
    assert_non_null(tls);
    own = start_session(GNUTLS_SERVER, fds[0]);
    assert_true(tls_setup_session(tls, own, fds[0], &handshake, &err));
    peer = start_session(GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT, fds[1]);
    check(gnutls_priority_set_direct(peer, client_priorities, NULL));
    check(gnutls_certificate_allocate_credentials(&credentials));
    if (identity)
        check(gnutls_certificate_set_x509_key(
            credentials, (gnutls_x509_crt_t *)&identity->certificate, 1, identity->key));
    check(gnutls_credentials_set(peer, GNUTLS_CRD_CERTIFICATE, credentials));
    exchange_flights(own, peer, &result);
    gnutls_deinit(own);
    tls_forget(&handshake);
    assert_null(tls_failed_handshake());
    gnutls_deinit(peer);
    gnutls_certificate_free_credentials(credentials);
    close(fds[0]);
    close(fds[1]);
    return result;
}

static struct web_config config_of(enum client_auth client_auth)
{
    return (struct web_config){
        .tls = true,
        .certificate = server.certificate_pem,
        .key = server.key_pem,
        .client_ca = client_auth == CLIENT_AUTH_NONE ? NULL : authority.certificate_pem,
        .client_auth = client_auth,
        .priorities = priorities};
}

/* ---- Tests ---------------------------------------------------------------------------------- */

static void admits_clients_by_their_certificate(void **state)
{
    static const struct {
        enum client_auth client_auth;
        const struct identity *identity;
        bool admitted;
        int alert;
    } rows[] = {
        {CLIENT_AUTH_NONE, NULL, true, -1},
        {CLIENT_AUTH_NONE, &client, true, -1},
        {CLIENT_AUTH_REQUEST, NULL, true, -1},
        {CLIENT_AUTH_REQUEST, &expired, true, -1},
        {CLIENT_AUTH_REQUIRE_ANY, NULL, false, GNUTLS_A_CERTIFICATE_REQUIRED},
        {CLIENT_AUTH_REQUIRE_ANY, &expired, true, -1},
        {CLIENT_AUTH_VERIFY_IF_GIVEN, NULL, true, -1},
        {CLIENT_AUTH_VERIFY_IF_GIVEN, &client, true, -1},
        {CLIENT_AUTH_VERIFY_IF_GIVEN, &expired, false, GNUTLS_A_CERTIFICATE_EXPIRED},
        {CLIENT_AUTH_VERIFY_IF_GIVEN, &not_client, false, GNUTLS_A_BAD_CERTIFICATE},
        {CLIENT_AUTH_REQUIRE_AND_VERIFY, NULL, false, GNUTLS_A_CERTIFICATE_REQUIRED},
        {CLIENT_AUTH_REQUIRE_AND_VERIFY, &client, true, -1},
        {CLIENT_AUTH_REQUIRE_AND_VERIFY, &expired, false, GNUTLS_A_CERTIFICATE_EXPIRED},
        {CLIENT_AUTH_REQUIRE_AND_VERIFY, &stranger, false, GNUTLS_A_UNKNOWN_CA},
    };
    static const char *const versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.3",
                                           "NORMAL:-VERS-ALL:+VERS-TLS1.2"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t v = 0; v < 2; v++) {
            struct web_config config = config_of(rows[i].client_auth);
            struct result result = shake(&config, rows[i].identity, versions[v]);

            if (result.admitted != rows[i].admitted || result.alert != rows[i].alert)
                fail_msg("row %zu, %s: admitted %d, alert %d", i, versions[v], result.admitted,
                         result.alert);
        }
}

static void admits_only_allowed_names(void **state)
{
    static const struct {
        const char *names[3];
        bool admitted;
    } rows[] = {
        {{"b.example"}, true},  {{"none.example", "b.example"}, true},
        {{"c@example"}, true},  {{"spiffe://d"}, true},
        {{"192.0.2.1"}, true},  {{"2001:db8::1"}, true},
        {{"a.example"}, false}, /* the certificate has "a.example\0evil" */
        {{"b.exampl"}, false},  {{"b.example2"}, false},
        {{"B.example"}, false}, {{"192.0.2.2"}, false},
        {{"client"}, false}, /* the common name is not an alternative name */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct web_config config = config_of(CLIENT_AUTH_REQUIRE_AND_VERIFY);
        struct result result;

        config.client_allowed_sans = rows[i].names;
        result = shake(&config, &client, "NORMAL");
        assert_int_equal(result.admitted, rows[i].admitted);
        assert_int_equal(result.alert, rows[i].admitted ? -1 : GNUTLS_A_BAD_CERTIFICATE);
    }
}

static void restricts_suites_up_to_tls_1_2_only(void **state)
{
    struct web_config config = config_of(CLIENT_AUTH_NONE);
    struct result result;

    (void)state;
    config.suite_priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM";
    result = shake(&config, NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-GCM");
    assert_false(result.admitted);
    result = shake(&config, NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM");
    assert_true(result.admitted);
    assert_int_equal(result.cipher, GNUTLS_CIPHER_AES_128_GCM);
    result = shake(&config, NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-256-GCM");
    assert_true(result.admitted);
    assert_int_equal(result.version, GNUTLS_TLS1_3);
}

static void speaks_the_configured_versions_only(void **state)
{
    struct web_config config = config_of(CLIENT_AUTH_NONE);

    (void)state;
    config.priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3";
    assert_false(shake(&config, NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.2").admitted);
    assert_true(shake(&config, NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.3").admitted);
}

static void rejects_unusable_material(void **state)
{
    struct web_config pair = config_of(CLIENT_AUTH_NONE), ca = config_of(CLIENT_AUTH_REQUIRE_ANY),
                      first = config_of(CLIENT_AUTH_NONE), second = config_of(CLIENT_AUTH_NONE);
    struct error err;

    (void)state;
    pair.key = client.key_pem;
    assert_null(tls_new(&pair, &err));
    assert_non_null(strstr(err.message, "does not match the certificate"));
    ca.client_ca = "nonsense";
    assert_null(tls_new(&ca, &err));
    first.priorities = "NONSENSE";
    assert_null(tls_new(&first, &err));
    second.suite_priorities = "NONSENSE";
    assert_null(tls_new(&second, &err));
    assert_false(tls_check_priorities("NONE", &err));
    assert_true(tls_check_priorities(priorities, &err));
}

/* Two intermediate certificates for one key, a root, a repetition, and more than GnuTLS would sort:
 * clients get what the file has, in its order. */
static void sends_the_chain_as_it_is(void **state)
{
    static const size_t counts[] = {1, 2, 3, 5, 16, 17, 64, 100};
    const struct identity *others[] = {&authority, &other_authority, &client};
    CLEANUP(buf_deinit) struct buf chain = BUF_INIT((size_t)1 << 20);
    struct error err;

    (void)state;
    for (size_t i = 0, n = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct web_config config = config_of(CLIENT_AUTH_NONE);
        struct result result;

        for (; n < counts[i]; n++)
            buf_append_str(&chain,
                           n == 0 ? server.certificate_pem : others[n % 3]->certificate_pem);
        assert_true(tls_check_certificate(chain.data, &err));
        config.certificate = chain.data;
        result = shake(&config, NULL, "NORMAL");
        assert_true(result.admitted);
        assert_int_equal(result.n_certificates, counts[i]);
    }
}

/* As Go does, whatever the certificate says of its key. */
static void serves_certificates_of_every_key_usage(void **state)
{
    static const unsigned usages[] = {GNUTLS_KEY_KEY_ENCIPHERMENT, GNUTLS_KEY_KEY_AGREEMENT,
                                      GNUTLS_KEY_KEY_CERT_SIGN, GNUTLS_KEY_DATA_ENCIPHERMENT,
                                      GNUTLS_KEY_DIGITAL_SIGNATURE};
    static const char *const versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.3",
                                           "NORMAL:-VERS-ALL:+VERS-TLS1.2"};

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(usages) / sizeof(usages[0]); i++) {
        struct web_config config = config_of(CLIENT_AUTH_NONE);
        struct identity own = {0};

        make_for(&own, "server", &authority, GNUTLS_KP_TLS_WWW_SERVER, usages[i / 2],
                 time(NULL) + YEAR_S);
        config.certificate = own.certificate_pem;
        config.key = own.key_pem;
        config.priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
                            ":%DEBUG_ALLOW_KEY_USAGE_VIOLATIONS";
        /* The client is GnuTLS, which rejects some of them. */
        if (shake(&config, NULL, versions[i % 2]).failure == TLS_PARAMETERS)
            fail_msg("key usage %x, %s", usages[i / 2], versions[i % 2]);
        gnutls_x509_crt_deinit(own.certificate);
        gnutls_x509_privkey_deinit(own.key);
    }
}

/* Then a kubelet, which has no certificate, gets the health pages. */
static void open_health_admits_clients_without_a_certificate(void **state)
{
    static const struct {
        enum client_auth client_auth;
        const struct identity *identity;
        bool admitted;
    } rows[] = {
        {CLIENT_AUTH_REQUIRE_AND_VERIFY, NULL, true},
        {CLIENT_AUTH_REQUIRE_AND_VERIFY, &client, true},
        {CLIENT_AUTH_REQUIRE_AND_VERIFY, &expired, false},
        {CLIENT_AUTH_REQUIRE_AND_VERIFY, &stranger, false},
        {CLIENT_AUTH_REQUIRE_ANY, NULL, true},
        {CLIENT_AUTH_REQUIRE_ANY, &stranger, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct web_config config = config_of(rows[i].client_auth);
        struct result result;

        config.open_health = true;
        result = shake(&config, rows[i].identity, "NORMAL");
        assert_int_equal(result.admitted, rows[i].admitted);
        if (rows[i].admitted)
            assert_int_equal(result.has_certificate, rows[i].identity != NULL);
    }
}

static void tells_the_cause_of_a_failed_handshake(void **state)
{
    struct web_config none = config_of(CLIENT_AUTH_NONE),
                      all = config_of(CLIENT_AUTH_REQUIRE_AND_VERIFY);

    (void)state;
    assert_int_equal(shake(&none, NULL, "NORMAL").failure, TLS_FAILURES);
    assert_int_equal(shake(&all, NULL, "NORMAL").failure, TLS_CLIENT_CERTIFICATE);
    assert_int_equal(shake(&all, &stranger, "NORMAL").failure, TLS_CLIENT_CERTIFICATE);
    assert_int_equal(shake(&none, NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.1").failure, TLS_PARAMETERS);
    none.priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM";
    assert_int_equal(shake(&none, NULL, "NORMAL:-CIPHER-ALL:+AES-256-GCM").failure, TLS_PARAMETERS);
}

/* What a client sends instead of a hello; then it closes the connection. */
static void tells_the_cause_of_bytes_that_are_no_hello(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        enum tls_failure failure; /* TLS_FAILURES: not counted */
    } rows[] = {
        {"", 0, TLS_FAILURES},
        {"GET / HTTP/1.1\r\n\r\n", 18, TLS_NOT_TLS},
        {"\x16\x03\x01", 3, TLS_CLOSED},
        {"\x15\x03\x03\x00\x02\x02\x2a", 7, TLS_CLIENT_ALERT},
        {"\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9, TLS_PARAMETERS},
    };
    struct web_config config = config_of(CLIENT_AUTH_NONE);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(tls_freep) struct tls *tls = NULL;
        struct tls_handshake handshake;
        gnutls_session_t session;
        struct error err;
        const char *why;
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        tls = tls_new(&config, &err);
        session = start_session(GNUTLS_SERVER, fds[0]);
        assert_true(tls_setup_session(tls, session, fds[0], &handshake, &err));
        assert_int_equal(write(fds[1], rows[i].bytes, rows[i].size), rows[i].size);
        shutdown(fds[1], SHUT_WR);
        assert_true(gnutls_handshake(session) < 0);
        if (rows[i].failure == TLS_FAILURES)
            assert_null(tls_failed_handshake());
        else
            assert_int_equal(tls_failure_of(tls_failed_handshake(), &why), rows[i].failure);
        gnutls_deinit(session);
        tls_forget(&handshake);
        close(fds[0]);
        close(fds[1]);
    }
}

/* RFC 4231, test case 2, with the key padded to the block as HMAC does. */
static void computes_hmac_sha_256(void **state)
{
    static const unsigned char key[TLS_MAC_BYTES] = "Jefe", want[] = {0x5b, 0xdc, 0xc1, 0x46};
    unsigned char out[TLS_MAC_BYTES], again[TLS_MAC_BYTES];

    (void)state;
    assert_true(tls_mac(key, "what do ya want for nothing?", 28, out));
    assert_memory_equal(out, want, sizeof(want));
    assert_true(tls_mac(key, "what do ya want for nothing!", 28, again));
    assert_memory_not_equal(out, again, sizeof(out));
}

static void makes_different_keys(void **state)
{
    unsigned char a[TLS_MAC_BYTES] = {0}, b[TLS_MAC_BYTES] = {0};
    struct error err;

    (void)state;
    assert_true(tls_mac_key(a, &err));
    assert_true(tls_mac_key(b, &err));
    assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(admits_clients_by_their_certificate),
        cmocka_unit_test(admits_only_allowed_names),
        cmocka_unit_test(restricts_suites_up_to_tls_1_2_only),
        cmocka_unit_test(speaks_the_configured_versions_only),
        cmocka_unit_test(rejects_unusable_material),
        cmocka_unit_test(sends_the_chain_as_it_is),
        cmocka_unit_test(serves_certificates_of_every_key_usage),
        cmocka_unit_test(open_health_admits_clients_without_a_certificate),
        cmocka_unit_test(tells_the_cause_of_a_failed_handshake),
        cmocka_unit_test(tells_the_cause_of_bytes_that_are_no_hello),
        cmocka_unit_test(computes_hmac_sha_256),
        cmocka_unit_test(makes_different_keys),
    };

    return cmocka_run_group_tests_name("tls", tests, make_identities, free_identities);
}
