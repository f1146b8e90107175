/* SPDX-License-Identifier: Apache-2.0 */
/* A registry client in front of scripted answers, as the client's tests begin. */
#ifndef TESTS_REGISTRY_FIXTURE_H
#define TESTS_REGISTRY_FIXTURE_H

#include "registry/registry.h"

#include "base/clock.h"
#include "support/fake_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define BLOB         "hello"
#define BLOB_DIGEST  "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define OTHER_DIGEST "sha256:0000000000000000000000000000000000000000000000000000000000000000"

FAKE_UNUSED static const struct descriptor blob = {.digest = BLOB_DIGEST, .size = 5};

struct identity {
    const char *username, *password;
    bool push;
};

struct trial {
    struct fake_http fake;
    struct host host;
    struct host_list hosts;
    struct registry *registry;
    struct cancel cancel;
    struct arena arena;
    struct buf taken;
    struct error err;
};

FAKE_UNUSED static void begin(struct trial *t, const struct fake_rule *rules,
                              struct identity identity)
{
    struct reference reference = {.repository = "a/b"};
    struct credentials credentials = {.username = {(char *)(uintptr_t)identity.username},
                                      .password = {(char *)(uintptr_t)identity.password}};
    struct registry_options options = {
        .hosts = &t->hosts, .credentials = &credentials, .push = identity.push};

    *t = (struct trial){.arena = ARENA_INIT(4096), .taken = BUF_INIT(MANIFEST_LIMIT_BYTES * 2)};
    fake_start(&t->fake, rules);
    reference.host = reference.endpoint = t->fake.host;
    t->host = (struct host){.scheme = "http",
                            .authority = t->fake.host,
                            .path = "/v2",
                            .name_space = "",
                            .ca_file = "",
                            .client_cert = "",
                            .client_key = "",
                            .capabilities = HOST_PULL | HOST_RESOLVE | HOST_PUSH};
    t->hosts = (struct host_list){&t->host, 1, ""};
    t->registry = registry_new(&reference, &options, &t->err);
    assert_non_null(t->registry);
    cancel_init(&t->cancel, clock_now_ns() + 10 * NS_PER_SECOND);
}

FAKE_UNUSED static void end(struct trial *t)
{
    registry_free(t->registry);
    cancel_deinit(&t->cancel);
    arena_deinit(&t->arena);
    buf_deinit(&t->taken);
    fake_stop(&t->fake);
}

#define BEARER                                                                            \
    "WWW-Authenticate: Bearer realm=\"http://@HOST@/token?x=1\",service=\"the service\"," \
    "scope=\"repository:a/b:pull other:c:pull\"\r\n"

#endif
