/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the file: those of exporter-toolkit, and health_without_auth. */
#include "server/config/web_config_private.h"

#include <stdarg.h>
#include <stdio.h>

#define MESSAGE_LIMIT_BYTES 512

static const char *const client_auths[] = {
    [CLIENT_AUTH_NONE] = "NoClientCert",
    [CLIENT_AUTH_REQUEST] = "RequestClientCert",
    [CLIENT_AUTH_REQUIRE_ANY] = "RequireAnyClientCert",
    [CLIENT_AUTH_VERIFY_IF_GIVEN] = "VerifyClientCertIfGiven",
    [CLIENT_AUTH_REQUIRE_AND_VERIFY] = "RequireAndVerifyClientCert",
    "RequireClientCert", /* an older name of RequireAnyClientCert */
    NULL,
};

#define CLIENT_AUTH_ALIAS (CLIENT_AUTH_REQUIRE_AND_VERIFY + 1)

static const char *const versions[] = {"TLS10", "TLS11", "TLS12", "TLS13", NULL};

const struct setting web_config_settings[] = {
    SETTING(SETTING_STRING, struct web_config_keys, cert, "tls_server_config.cert", "",
            "Certificate and intermediate certificates in PEM."),
    SETTING(SETTING_STRING, struct web_config_keys, cert_file, "tls_server_config.cert_file", "",
            "File with the certificate."),
    SETTING(SETTING_STRING, struct web_config_keys, key, "tls_server_config.key", "",
            "Private key in PEM, not encrypted."),
    SETTING(SETTING_STRING, struct web_config_keys, key_file, "tls_server_config.key_file", "",
            "File with the private key."),
    SETTING(SETTING_STRING, struct web_config_keys, client_ca, "tls_server_config.client_ca", "",
            "Authorities for client certificates, in PEM."),
    SETTING(SETTING_STRING, struct web_config_keys, client_ca_file,
            "tls_server_config.client_ca_file", "", "File with the authorities."),
    SETTING_CHOICE(struct web_config_keys, client_auth, "tls_server_config.client_auth_type",
                   client_auths, "NoClientCert", "Whether clients need a certificate."),
    SETTING(SETTING_LIST, struct web_config_keys, client_allowed_sans,
            "tls_server_config.client_allowed_sans", "",
            "A client certificate must have one of these names."),
    SETTING_CHOICE(struct web_config_keys, min_version, "tls_server_config.min_version", versions,
                   "TLS12", "The oldest version of TLS."),
    SETTING_CHOICE(struct web_config_keys, max_version, "tls_server_config.max_version", versions,
                   "TLS13", "The newest version of TLS."),
    SETTING(SETTING_LIST, struct web_config_keys, cipher_suites, "tls_server_config.cipher_suites",
            "", "Cipher suites up to TLS 1.2, by Go's names."),
    SETTING(SETTING_BOOL, struct web_config_keys, prefer_server_cipher_suites,
            "tls_server_config.prefer_server_cipher_suites", "true",
            "Whether the server's order of cipher suites wins."),
    SETTING(SETTING_LIST, struct web_config_keys, curves, "tls_server_config.curve_preferences", "",
            "Curves in order of preference."),
    SETTING(SETTING_BOOL, struct web_config_keys, http2, "http_server_config.http2", "true",
            "Accepted and ignored: the server speaks HTTP/1.1."),
    SETTING(SETTING_MAP, struct web_config_keys, headers, "http_server_config.headers", "",
            "Headers of every reply."),
    SETTING(SETTING_MAP, struct web_config_keys, users, "basic_auth_users", "",
            "Users and the bcrypt hashes of their passwords."),
    SETTING(SETTING_STRING, struct web_config_keys, rate_interval, "rate_limit.interval", "",
            "Time per request; 0s: no limit."),
    SETTING(SETTING_UINT, struct web_config_keys, rate_burst, "rate_limit.burst", "0",
            "Requests allowed at once."),
    SETTING(SETTING_BOOL, struct web_config_keys, open_health, "health_without_auth", "false",
            "Whether /-/healthy and /-/ready need no authentication. Not in exporter-toolkit."),
    {0},
};

const struct yaml_node *web_config_written(const struct web_config_reading *reading,
                                           const char *name)
{
    const struct yaml_node *node = settings_find(reading->root, name);

    return node && !(node->kind == YAML_SCALAR && !*node->text) ? node : NULL;
}

bool web_config_reject(const struct web_config_reading *reading, const char *name, const char *fmt,
                       ...)
{
    const struct yaml_node *node = settings_find(reading->root, name);
    char message[MESSAGE_LIMIT_BYTES];
    va_list args;

    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    return problems_add(reading->problems, node ? node->place : reading->root->place, "\"%s\": %s",
                        name, message);
}

void web_config_keys_read(struct web_config_reading *reading)
{
    struct settings_source source = {reading->root, reading->root->place, reading->arena,
                                     reading->problems};

    reading->keys = (struct web_config_keys){.cert = "",
                                             .cert_file = "",
                                             .key = "",
                                             .key_file = "",
                                             .client_ca = "",
                                             .client_ca_file = "",
                                             .client_auth = CLIENT_AUTH_REQUIRE_AND_VERIFY,
                                             .min_version = TLS_VERSION_10,
                                             .max_version = TLS_VERSION_13,
                                             .rate_interval = "",
                                             .rate_burst = 1};
    settings_check_keys(&source, web_config_settings, NULL);
    (void)settings_fill(&source, web_config_settings, SETTINGS_ALL,
                        &reading->keys); /* mistakes are in the problems */
    if (reading->keys.client_auth == CLIENT_AUTH_ALIAS)
        reading->keys.client_auth = CLIENT_AUTH_REQUIRE_ANY;
}
