/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the file: those of exporter-toolkit, and health_without_auth. */
#include "server/config/web_config_private.h"

#include "config/settings_types.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* ---- Scalars as Go's library reads them -------------------------------------------------------
 */

static void remove_node(struct yaml_node *node)
{
    struct yaml_node **link = &node->parent->children;

    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    node->parent->count--;
}

/* The words of YAML 1.1, in one of three cases each. */
static const char *truth_of(const char *word)
{
    static const char *const words[][2] = {
        {"true", "true"},   {"True", "true"},   {"TRUE", "true"}, {"yes", "true"},
        {"Yes", "true"},    {"YES", "true"},    {"on", "true"},   {"On", "true"},
        {"ON", "true"},     {"y", "true"},      {"Y", "true"},    {"false", "false"},
        {"False", "false"}, {"FALSE", "false"}, {"no", "false"},  {"No", "false"},
        {"NO", "false"},    {"off", "false"},   {"Off", "false"}, {"OFF", "false"},
        {"n", "false"},     {"N", "false"},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i][0], word) == 0)
            return words[i][1];
    return word;
}

/* A header without a value is an empty string; another key is absent then. */
static void read_nulls_of_headers(const struct yaml_node *root)
{
    const struct yaml_node *map = settings_find(root, "http_server_config.headers");
    struct yaml_node *at = map && map->kind == YAML_MAPPING ? map->children : NULL;

    for (; at; at = at->next) {
        if (!yaml_is_null(at))
            continue;
        at->text = "";
        at->quoted = true;
    }
}

/* In place: the nodes are this reading's own. */
static void read_as_go(const struct yaml_node *root)
{
    for (const struct setting *setting = web_config_settings; setting->name; setting++) {
        struct yaml_node *node = (struct yaml_node *)settings_find(root, setting->name);

        if (!node || node->kind != YAML_SCALAR)
            continue;
        if (yaml_is_null(node) ||
            (setting->offset == offsetof(struct web_config_keys, client_auth) && !*node->text))
            remove_node(node);
        else if (setting->type == SETTING_BOOL && !node->quoted)
            node->text = truth_of(node->text);
    }
    read_nulls_of_headers(root);
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
    read_as_go(reading->root);
    settings_check_keys(&source, web_config_settings, NULL);
    (void)settings_fill(&source, web_config_settings, SETTINGS_ALL,
                        &reading->keys); /* mistakes are in the problems */
    if (reading->keys.client_auth == CLIENT_AUTH_ALIAS)
        reading->keys.client_auth = CLIENT_AUTH_REQUIRE_ANY;
}
