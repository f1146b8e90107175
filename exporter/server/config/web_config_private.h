/* SPDX-License-Identifier: Apache-2.0 */
/* One reading of a web configuration file: for the files web_config*.c only. */
#pragma once

#include "config/settings.h"
#include "server/config/web_config.h"

enum tls_version { /* as `versions` in web_config_keys.c */
    TLS_VERSION_10,
    TLS_VERSION_11,
    TLS_VERSION_12,
    TLS_VERSION_13,
    TLS_VERSIONS,
};

/* The values of the keys. A value with a mistake gets a default that causes no second report. */
struct web_config_keys {
    const char *cert, *cert_file, *key, *key_file, *client_ca, *client_ca_file;
    unsigned client_auth, min_version, max_version;
    struct setting_list client_allowed_sans, cipher_suites, curves;
    bool prefer_server_cipher_suites, http2;
    struct setting_map headers, users;
    const char *rate_interval;
    uint64_t rate_burst;
    bool open_health;
};

extern const struct setting web_config_settings[];

struct web_config_reading {
    const char *path; /* of the file */
    const struct yaml_node *root;
    struct problems *problems;
    struct arena *arena; /* of the configuration */
    struct web_config_keys keys;
    struct web_config *config;
    const char **files; /* named files, for the stamp; room for WEB_CONFIG_FILES_MAX */
};

#define WEB_CONFIG_FILES_MAX 3

/* web_config_keys.c: reads all keys and reports invalid ones. */
void web_config_keys_read(struct web_config_reading *reading);

/* The value of a dotted name; NULL if it is absent or empty. */
const struct yaml_node *web_config_written(const struct web_config_reading *reading,
                                           const char *name);

/* Reports a mistake of the key `name`; returns false. */
bool web_config_reject(const struct web_config_reading *reading, const char *name, const char *fmt,
                       ...) PRINTF(3, 4);

/* web_config_tls.c, _priorities.c, _http.c: each reads a section and reports its mistakes. */
void web_config_read_tls(struct web_config_reading *reading);
void web_config_read_priorities(struct web_config_reading *reading);
void web_config_read_headers(struct web_config_reading *reading);
void web_config_read_users(struct web_config_reading *reading);
void web_config_read_rate_limit(struct web_config_reading *reading);
