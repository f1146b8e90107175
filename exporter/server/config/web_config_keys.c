/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the file: those of exporter-toolkit, and health_without_auth. */
#include "server/config/web_config_private.h"

#include "config/settings_types.h"

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

#define KEY(type, member, name, fallback, help) \
    SETTING(type, struct web_config_keys, member, name, fallback, help)

const struct setting web_config_settings[] = {
    KEY(SETTING_STRING, cert, "tls_server_config.cert", "",
        "Certificate and intermediate certificates in PEM."),
    KEY(SETTING_STRING, cert_file, "tls_server_config.cert_file", "", "File with the certificate."),
    KEY(SETTING_STRING, key, "tls_server_config.key", "", "Private key in PEM, not encrypted."),
    KEY(SETTING_STRING, key_file, "tls_server_config.key_file", "", "File with the private key."),
    KEY(SETTING_STRING, client_ca, "tls_server_config.client_ca", "",
        "Authorities for client certificates, in PEM."),
    KEY(SETTING_STRING, client_ca_file, "tls_server_config.client_ca_file", "",
        "File with the authorities."),
    SETTING_CHOICE(struct web_config_keys, client_auth, "tls_server_config.client_auth_type",
                   client_auths, "NoClientCert", "Whether clients need a certificate."),
    KEY(SETTING_LIST, client_allowed_sans, "tls_server_config.client_allowed_sans", "",
        "A client certificate must have one of these names."),
    SETTING_CHOICE(struct web_config_keys, min_version, "tls_server_config.min_version", versions,
                   "TLS12", "The oldest version of TLS."),
    SETTING_CHOICE(struct web_config_keys, max_version, "tls_server_config.max_version", versions,
                   "TLS13", "The newest version of TLS."),
    KEY(SETTING_LIST, cipher_suites, "tls_server_config.cipher_suites", "",
        "Cipher suites up to TLS 1.2, by Go's names."),
    KEY(SETTING_BOOL, prefer_server_cipher_suites, "tls_server_config.prefer_server_cipher_suites",
        "true", "Whether the server's order of cipher suites wins."),
    KEY(SETTING_LIST, curves, "tls_server_config.curve_preferences", "",
        "Curves in order of preference."),
    KEY(SETTING_BOOL, http2, "http_server_config.http2", "true",
        "Accepted and ignored: the server speaks HTTP/1.1."),
    KEY(SETTING_MAP, headers, "http_server_config.headers", "", "Headers of every reply."),
    KEY(SETTING_MAP, users, "basic_auth_users", "",
        "Users and the bcrypt hashes of their passwords."),
    KEY(SETTING_STRING, rate_interval, "rate_limit.interval", "",
        "Time per request; 0s: no limit."),
    KEY(SETTING_UINT, rate_burst, "rate_limit.burst", "0", "Requests allowed at once."),
    KEY(SETTING_BOOL, open_health, "health_without_auth", "false",
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

    for (const struct setting *setting = web_config_settings; setting->name; setting++)
        settings_store_nothing(setting, (char *)&reading->keys + setting->offset);
    reading->keys.client_auth = CLIENT_AUTH_REQUIRE_AND_VERIFY;
    reading->keys.min_version = TLS_VERSION_10;
    reading->keys.max_version = TLS_VERSION_13;
    reading->keys.rate_burst = 1;
    settings_check_keys(&source, web_config_settings, NULL);
    (void)settings_fill(&source, web_config_settings, SETTINGS_ALL,
                        &reading->keys); /* mistakes are in the problems */
    if (reading->keys.client_auth == CLIENT_AUTH_ALIAS)
        reading->keys.client_auth = CLIENT_AUTH_REQUIRE_ANY;
}
