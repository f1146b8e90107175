/* SPDX-License-Identifier: Apache-2.0 */
#include "support/registry_fixture.h"

#include "base/clock.h"

#include <stdint.h>
#include <string.h>

const struct descriptor blob = {.digest = BLOB_DIGEST, .size = 5};

void trial_begin(struct trial *t, const struct fake_rule *rules, struct identity identity)
{
    struct reference reference = {.repository = "a/b"};
    struct credentials credentials = {.username = {(char *)(uintptr_t)identity.username},
                                      .password = {(char *)(uintptr_t)identity.password},
                                      .searched = identity.searched};
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
    cancel_init(&t->cancel, clock_now_ns() + 60 * NS_PER_SECOND);
}

void trial_end(struct trial *t)
{
    registry_free(t->registry);
    cancel_deinit(&t->cancel);
    arena_deinit(&t->arena);
    buf_deinit(&t->taken);
    fake_stop(&t->fake);
}

static bool rewind_text(void *arg, struct cancel *cancel, struct error *err)
{
    struct text_source *source = arg;

    (void)cancel;
    (void)err;
    source->at = source->text;
    source->rewinds++;
    return true;
}

static bool read_text(void *arg, void *data, size_t size, size_t *n, struct error *err)
{
    struct text_source *source = arg;

    (void)err;
    *n = strlen(source->at) < size ? strlen(source->at) : size;
    memcpy(data, source->at, *n);
    source->at += *n;
    return true;
}

bool trial_push(struct trial *t, struct text_source *text, const struct registry_upload *how,
                bool *mounted)
{
    const struct registry_source source = {rewind_text, read_text, text};

    return registry_push_blob(t->registry, &blob, &source, how, mounted, &t->cancel, &t->err);
}

unsigned trial_count(struct fake_http *fake, const char *text)
{
    unsigned n = 0;
    LOCK_SCOPE(&fake->lock);

    for (const char *at = fake->log.size > 0 ? fake->log.data : ""; (at = strstr(at, text)); at++)
        n++;
    return n;
}
