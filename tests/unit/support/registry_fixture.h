/* SPDX-License-Identifier: Apache-2.0 */
/* A registry client connected to a fake registry with scripted answers. */
#ifndef TESTS_REGISTRY_FIXTURE_H
#define TESTS_REGISTRY_FIXTURE_H

#include "oci/manifest.h"
#include "registry/registry_push.h"

#include "support/fake_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define BLOB         "hello"
#define BLOB_DIGEST  "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define OTHER_DIGEST "sha256:0000000000000000000000000000000000000000000000000000000000000000"

extern const struct descriptor blob; /* of BLOB */

struct identity {
    const char *username, *password;
    bool push;
    const char *searched; /* the file that has no credentials */
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

/* Starts the server with `rules`, which must outlive it, and a client of repository "a/b" with a
 * deadline of a minute. */
void trial_begin(struct trial *t, const struct fake_rule *rules, struct identity identity);
void trial_end(struct trial *t);

/* The body of an upload in memory. */
struct text_source {
    const char *text, *at;
    unsigned rewinds;
};

/* Pushes `text` as `blob`. */
bool trial_push(struct trial *t, struct text_source *text, const struct registry_upload *how,
                bool *mounted);

/* How often `text` is in what the server saw. */
unsigned trial_count(struct fake_http *fake, const char *text);

#define BEARER                                                                            \
    "WWW-Authenticate: Bearer realm=\"http://@HOST@/token?x=1\",service=\"the service\"," \
    "scope=\"repository:a/b:pull other:c:pull\"\r\n"

#endif
