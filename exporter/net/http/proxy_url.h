/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The URL of a proxy, parsed as Go's net/url and httpproxy parse it: the exporter must connect to
 * the host that containerd would connect to, even if the author of the URL meant another one.
 * libcurl parses such URLs differently, and its messages quote them with their password.
 */
#pragma once

#include "base/secret.h"

#include <stdint.h>

#define PROXY_HOST_BYTES ((size_t)256)

enum proxy_scheme {
    PROXY_NONE, /* connect directly */
    PROXY_HTTP,
    PROXY_HTTPS,
    PROXY_SOCKS5,
};

struct proxy {
    enum proxy_scheme scheme;
    char host[PROXY_HOST_BYTES]; /* without brackets; "localhost" if the URL has no host */
    uint16_t port;               /* 0: the port of the URL is impossible */
    bool has_user;
    struct secret user, password;
    bool is_misread;      /* the URL has parts that no proxy needs: `host` may be a piece of a
                           * password and must not appear in a message */
    const char *variable; /* that the URL comes from; a literal */
};

void proxy_deinit(struct proxy *proxy);

/* Overwrites `proxy`, which the caller must deinit also after a failure. PROXY_NONE: Go ignores
 * this URL. Fails only without memory, or beyond an internal limit. */
bool proxy_url_parse(const char *text, struct proxy *proxy, struct error *err) MUST_CHECK;
