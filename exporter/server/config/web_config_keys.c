/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the file, as exporter-toolkit names them, and one of our own. */
#include "server/config/web_config_keys.h"

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
            "Certificate, and those between it and the authority, in PEM."),
    SETTING(SETTING_STRING, struct web_config_keys, cert_file, "tls_server_config.cert_file", "",
            "The file with it."),
    SETTING(SETTING_STRING, struct web_config_keys, key, "tls_server_config.key", "",
            "Private key in PEM, not encrypted."),
    SETTING(SETTING_STRING, struct web_config_keys, key_file, "tls_server_config.key_file", "",
            "The file with it."),
    SETTING(SETTING_STRING, struct web_config_keys, client_ca, "tls_server_config.client_ca", "",
            "Authorities of clients' certificates, in PEM."),
    SETTING(SETTING_STRING, struct web_config_keys, client_ca_file,
            "tls_server_config.client_ca_file", "", "The file with them."),
    SETTING_CHOICE(struct web_config_keys, client_auth, "tls_server_config.client_auth_type",
                   client_auths, "NoClientCert", "Which certificate a client has to have."),
    SETTING(SETTING_LIST, struct web_config_keys, client_allowed_sans,
            "tls_server_config.client_allowed_sans", "",
            "Names of which a client's certificate has to have one."),
    SETTING_CHOICE(struct web_config_keys, min_version, "tls_server_config.min_version", versions,
                   "TLS12", "The oldest version of TLS."),
    SETTING_CHOICE(struct web_config_keys, max_version, "tls_server_config.max_version", versions,
                   "TLS13", "The newest version of TLS."),
    SETTING(SETTING_LIST, struct web_config_keys, cipher_suites, "tls_server_config.cipher_suites",
            "", "Cipher suites up to TLS 1.2, by Go's names."),
    SETTING(SETTING_BOOL, struct web_config_keys, prefer_server_cipher_suites,
            "tls_server_config.prefer_server_cipher_suites", "true",
            "Whether the order of our cipher suites counts, not that of the client."),
    SETTING(SETTING_LIST, struct web_config_keys, curves, "tls_server_config.curve_preferences", "",
            "Curves, best first."),
    SETTING(SETTING_BOOL, struct web_config_keys, http2, "http_server_config.http2", "true",
            "Accepted; HTTP/1.1 is served."),
    SETTING(SETTING_MAP, struct web_config_keys, headers, "http_server_config.headers", "",
            "Headers of every reply."),
    SETTING(SETTING_MAP, struct web_config_keys, users, "basic_auth_users", "",
            "Users and the bcrypt hashes of their passwords."),
    SETTING(SETTING_STRING, struct web_config_keys, rate_interval, "rate_limit.interval", "",
            "One request per so much time; 0s: as many as come."),
    SETTING(SETTING_UINT, struct web_config_keys, rate_burst, "rate_limit.burst", "0",
            "Requests that may come at once."),
    SETTING(SETTING_BOOL, struct web_config_keys, open_health, "health_without_auth", "false",
            "Whether /-/healthy and /-/ready need no password. Not of exporter-toolkit."),
    {0},
};

const struct yaml_node *web_config_written(const struct web_config_reading *reading,
                                           const char *name)
{
    const struct yaml_node *node = settings_find(reading->root, name);

    return node && !(node->kind == YAML_SCALAR && !*node->text) ? node : NULL;
}

bool web_config_refuse(const struct web_config_reading *reading, const char *name, const char *fmt,
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
                        &reading->keys); /* the problems tell */
    if (reading->keys.client_auth == CLIENT_AUTH_ALIAS)
        reading->keys.client_auth = CLIENT_AUTH_REQUIRE_ANY;
}
