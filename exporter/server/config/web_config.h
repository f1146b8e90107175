/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One reading of the web configuration file of Prometheus' exporter-toolkit. The whole file is
 * checked, and each mistake is reported with its line. A struct web_config never changes; a changed
 * file is read into a new one.
 *
 * Files that it names are read and checked with it: a certificate that does not match its key, or
 * an invalid authority, is a mistake of the configuration. Relative paths are relative to the file.
 * http2 is accepted and ignored: the server speaks HTTP/1.1.
 *
 * It is stricter than exporter-toolkit on purpose: settings that would admit every client or none
 * are mistakes (TLS settings without a certificate, names that are not verified, versions that
 * exclude each other, a hash that no password can match).
 */
#pragma once

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

enum client_auth { /* Go's names, without "Cert" */
    CLIENT_AUTH_NONE,
    CLIENT_AUTH_REQUEST,     /* requested, not checked */
    CLIENT_AUTH_REQUIRE_ANY, /* required, not verified */
    CLIENT_AUTH_VERIFY_IF_GIVEN,
    CLIENT_AUTH_REQUIRE_AND_VERIFY,
};

#define WEB_HEADERS_MAX 5

struct web_config {
    bool tls;
    const char *certificate, *key; /* PEM */
    const char *client_ca;         /* PEM, or NULL */
    enum client_auth client_auth;
    const char *const *client_allowed_sans; /* the certificate must have one of them; or NULL */
    const char *priorities; /* of GnuTLS: versions, cipher suites, curves, in order of preference */
    const char *suite_priorities; /* replace them after TLS 1.2 or older was negotiated; or NULL */
    struct tls *ready;            /* the same, for tls_setup_session() */

    struct {
        const char *name, *value;
    } headers[WEB_HEADERS_MAX + 1]; /* on every reply; ends with a NULL name */

    const struct web_user {
        const char *name, *hash; /* bcrypt */
    } * users;
    size_t n_users;   /* 0: no authentication */
    bool open_health; /* /-/healthy and /-/ready without password and client certificate; not in
                       * exporter-toolkit */

    int64_t rate_interval_ns; /* one request per interval; 0: no limit */
    uint64_t rate_burst;

    struct web_config_parts *parts_; /* private */
};

/* On failure returns NULL, with a line "file:line:column: mistake" for each mistake in `problems`
 * and a summary in *err. An empty file is valid. */
struct web_config *web_config_load(const char *path, struct buf *problems, struct error *err);

/* Like web_config_load() for a file `path` with the content `data`. */
struct web_config *web_config_parse(const char *path, const char *data, size_t size,
                                    struct buf *problems, struct error *err);

/* Reference counts; thread-safe. */
struct web_config *web_config_ref(struct web_config *config);
void web_config_unref(struct web_config *config); /* wipes the key */
DEFINE_CLEANUP(struct web_config *, web_config_unref)

/* Whether clients need a certificate, except for the health paths of `open_health`. */
bool web_config_requires_certificate(const struct web_config *config);

/* Whether new connections get the same TLS with both; each may be NULL. */
bool web_config_same_tls(const struct web_config *a, const struct web_config *b);

/* A hash of times, sizes and inodes of the file and the files it names. It differs after one of
 * them was changed, replaced or removed. It opens no file. */
uint64_t web_config_stamp(const char *path, const struct web_config *config);
