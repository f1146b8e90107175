/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web configuration file of Prometheus' exporter-toolkit, one reading of it: read whole,
 * checked whole, every mistake with its line. It never changes afterwards; a changed file is
 * another one.
 *
 * Files that it names are read and checked with it: a certificate that does not go with its key, an
 * authority that is none, is a mistake of the configuration. Relative paths are relative to the
 * file. http2 is accepted and changes nothing: HTTP/1.1 is served.
 *
 * Stricter than the original, on purpose: what would leave a door open or admit nobody is a
 * mistake (TLS settings without a certificate, names that nobody verifies, versions that exclude
 * one another, a hash that no password can match).
 */
#ifndef SERVER_CONFIG_WEB_CONFIG_H
#define SERVER_CONFIG_WEB_CONFIG_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

enum client_auth { /* Go's names, without "Cert" */
    CLIENT_AUTH_NONE,
    CLIENT_AUTH_REQUEST,     /* asked for, never looked at */
    CLIENT_AUTH_REQUIRE_ANY, /* must be there */
    CLIENT_AUTH_VERIFY_IF_GIVEN,
    CLIENT_AUTH_REQUIRE_AND_VERIFY,
};

#define WEB_HEADERS_MAX 5

struct web_config {
    bool tls;
    const char *certificate, *key; /* PEM */
    const char *client_ca;         /* PEM, or NULL */
    enum client_auth client_auth;
    const char *const *client_allowed_sans; /* one of them must be in the certificate; or NULL */
    const char *priorities; /* for GnuTLS: versions, cipher suites, curves, whose order counts */
    const char *suite_priorities; /* instead, where TLS 1.2 or less was agreed on; or NULL */
    struct tls *ready;            /* all that, as tls_setup_session() wants it */

    struct {
        const char *name, *value;
    } headers[WEB_HEADERS_MAX + 1]; /* on every reply; ends with a NULL name */

    const struct web_user {
        const char *name, *hash; /* bcrypt */
    } * users;
    size_t n_users;   /* 0: everybody may ask */
    bool open_health; /* /-/healthy and /-/ready need no password: a key of our own */

    int64_t rate_interval_ns; /* one request per interval; 0: as many as come */
    uint64_t rate_burst;

    struct web_config_parts *parts_; /* private */
};

/* NULL, with a line "file:line:column: what" for each mistake in `problems` and a summary in *err.
 * An empty file is a valid one. */
struct web_config *web_config_load(const char *path, struct buf *problems, struct error *err);

/* The same of a file `path` that holds `data`. */
struct web_config *web_config_parse(const char *path, const char *data, size_t size,
                                    struct buf *problems, struct error *err);

struct web_config *web_config_ref(struct web_config *config);
void web_config_unref(struct web_config *config); /* wipes the key */
DEFINE_CLEANUP(struct web_config *, web_config_unref)

/* Changes when the file, or one that it names, was changed, replaced or removed: their times, sizes
 * and inodes. To be asked now and then; cheap. */
uint64_t web_config_stamp(const char *path, const struct web_config *config);

#endif
