/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translates versions, cipher suites and curves from Go's names to priorities of GnuTLS.
 *
 * GnuTLS takes lists of key exchanges, ciphers and MACs, and allows every combination of them. As
 * in Go, the cipher suites of TLS 1.3 cannot be chosen. Where suites are chosen for older versions
 * there are two priorities; the second applies after such a version was negotiated.
 */
#include "server/config/web_config_private.h"

#include "server/config/tls.h"

#include <string.h>

#define PRIORITIES_LIMIT_BYTES ((size_t)4096)

static const char suites_name[] = "tls_server_config.cipher_suites";
static const char curves_name[] = "tls_server_config.curve_preferences";

static const char *const version_words[TLS_VERSIONS] = {
    [TLS_VERSION_10] = ":+VERS-TLS1.0",
    [TLS_VERSION_11] = ":+VERS-TLS1.1",
    [TLS_VERSION_12] = ":+VERS-TLS1.2",
    [TLS_VERSION_13] = ":+VERS-TLS1.3",
};

struct suite {
    const char *name;
    const char *words; /* NULL: TLS 1.3 */
};

static const struct suite suites[] = {
    {"TLS_AES_128_GCM_SHA256", NULL},
    {"TLS_AES_256_GCM_SHA384", NULL},
    {"TLS_CHACHA20_POLY1305_SHA256", NULL},
    {"TLS_RSA_WITH_AES_128_CBC_SHA", ":+RSA:+AES-128-CBC:+SHA1"},
    {"TLS_RSA_WITH_AES_256_CBC_SHA", ":+RSA:+AES-256-CBC:+SHA1"},
    {"TLS_RSA_WITH_AES_128_GCM_SHA256", ":+RSA:+AES-128-GCM:+AEAD"},
    {"TLS_RSA_WITH_AES_256_GCM_SHA384", ":+RSA:+AES-256-GCM:+AEAD"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", ":+ECDHE-RSA:+AES-128-CBC:+SHA1"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", ":+ECDHE-RSA:+AES-256-CBC:+SHA1"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", ":+ECDHE-RSA:+AES-128-GCM:+AEAD"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", ":+ECDHE-RSA:+AES-256-GCM:+AEAD"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", ":+ECDHE-RSA:+CHACHA20-POLY1305:+AEAD"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", ":+ECDHE-ECDSA:+AES-128-CBC:+SHA1"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", ":+ECDHE-ECDSA:+AES-256-CBC:+SHA1"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", ":+ECDHE-ECDSA:+AES-128-GCM:+AEAD"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", ":+ECDHE-ECDSA:+AES-256-GCM:+AEAD"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", ":+ECDHE-ECDSA:+CHACHA20-POLY1305:+AEAD"},
};

static const struct suite curves[] = {
    {"X25519", ":+GROUP-X25519"},
    {"CurveP256", ":+GROUP-SECP256R1"},
    {"CurveP384", ":+GROUP-SECP384R1"},
    {"CurveP521", ":+GROUP-SECP521R1"},
};

static const char common_suites[] =
    ":+ECDHE-ECDSA:+ECDHE-RSA:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD";
static const char old_suites[] = ":+AES-128-CBC:+AES-256-CBC:+SHA1"; /* before TLS 1.2 */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct suite *find(const struct suite *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

/* Reports the items of the list `key` that are not in the table. */
static bool check_names(const struct web_config_reading *reading, const char *key,
                        const struct suite *table, size_t count, const char *what)
{
    const struct yaml_node *list = settings_find(reading->root, key);
    bool ok = true;

    if (!list || list->kind != YAML_SEQUENCE)
        return !list || yaml_is_null(list);
    for (const struct yaml_node *at = list->children; at; at = at->next)
        if (at->kind == YAML_SCALAR && !yaml_is_null(at) && !find(table, count, at->text))
            ok = problems_add(reading->problems, at->place, "\"%s\": unknown %s \"%s\"", key, what,
                              at->text);
    return ok;
}

struct range {
    unsigned min, max;
};

static void add_versions(struct buf *out, struct range range)
{
    buf_append_str(out, "NORMAL:-VERS-ALL");
    for (unsigned version = range.max + 1; version-- > range.min;)
        buf_append_str(out, version_words[version]);
    buf_append_str(out, ":-KX-ALL:-CIPHER-ALL:-MAC-ALL");
}

static void add_rest(struct buf *out, const struct web_config_keys *keys)
{
    const struct setting_list *list = &keys->curves;

    buf_append_str(out, ":-GROUP-ALL");
    for (size_t i = 0; i < COUNT(curves) && list->count == 0; i++)
        buf_append_str(out, curves[i].words);
    for (size_t i = 0; i < list->count; i++)
        buf_append_str(out, find(curves, COUNT(curves), list->items[i])->words);
    if (keys->prefer_server_cipher_suites)
        buf_append_str(out, ":%SERVER_PRECEDENCE");
    /* As Go, the server uses its certificate whatever its key usage: many private authorities issue
     * certificates for RSA key exchange only, with which GnuTLS would fail every handshake. */
    buf_append_str(out, ":%DEBUG_ALLOW_KEY_USAGE_VIOLATIONS");
}

/* The priorities for `range`, with the configured suites (`chosen`) or all secure ones. */
static const char *make_priorities(const struct web_config_reading *reading, struct range range,
                                   bool chosen)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(PRIORITIES_LIMIT_BYTES);
    const struct setting_list *list = &reading->keys.cipher_suites;
    struct error err;

    add_versions(&out, range);
    for (size_t i = 0; i < list->count && chosen; i++) {
        const char *words = find(suites, COUNT(suites), list->items[i])->words;
        buf_append_str(&out, words ? words : "");
    }
    if (!chosen)
        buf_append_str(&out, common_suites);
    if (!chosen && range.min < TLS_VERSION_12)
        buf_append_str(&out, old_suites);
    add_rest(&out, &reading->keys);
    if (!buf_ok(&out, &err) || !tls_check_priorities(out.data, &err)) {
        web_config_reject(reading, "tls_server_config", "%s", err.message);
        return NULL;
    }
    return arena_strdup(reading->arena, out.data);
}

static bool is_for_old_versions(const struct setting_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (find(suites, COUNT(suites), list->items[i])->words)
            return true;
    return false;
}

/* A list with suites of TLS 1.3 only excludes the older versions. */
static void set_priorities(struct web_config_reading *reading, struct range range)
{
    struct web_config *config = reading->config;
    bool chosen = is_for_old_versions(&reading->keys.cipher_suites);

    if (reading->keys.cipher_suites.count > 0 && !chosen) {
        if (range.max < TLS_VERSION_13) {
            web_config_reject(reading, suites_name,
                              "no cipher suite for TLS 1.2 or older, which max_version requires");
            return;
        }
        range.min = TLS_VERSION_13;
    }
    if (chosen && range.max < TLS_VERSION_13) {
        config->priorities = make_priorities(reading, range, true);
        return;
    }
    config->priorities = make_priorities(reading, range, false);
    if (chosen && range.min < TLS_VERSION_13)
        config->suite_priorities =
            make_priorities(reading, (struct range){range.min, TLS_VERSION_12}, true);
}

void web_config_read_priorities(struct web_config_reading *reading)
{
    struct range range = {reading->keys.min_version, reading->keys.max_version};
    bool ok = check_names(reading, suites_name, suites, COUNT(suites), "cipher suite");

    ok &= check_names(reading, curves_name, curves, COUNT(curves), "curve");
    if (range.min > range.max)
        ok = web_config_reject(reading,
                               web_config_written(reading, "tls_server_config.max_version")
                                   ? "tls_server_config.max_version"
                                   : "tls_server_config.min_version",
                               "min_version is newer than max_version");
    if (ok)
        set_priorities(reading, range);
}
