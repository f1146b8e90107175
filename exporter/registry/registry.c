/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry_private.h"

#include <stdio.h>
#include <string.h>

/* hosts.toml may name the registry with its default port or without. */
static bool is_registry(const struct host *host)
{
    char here[HTTP_ORIGIN_BYTES], registry[HTTP_ORIGIN_BYTES];

    snprintf(here, sizeof(here), "%s://%s", host->scheme, host->authority);
    snprintf(registry, sizeof(registry), "%s://%s", host->scheme, host->name_space);
    return !*host->name_space || http_same_origin(here, registry);
}

/* `origin` is the mirror of the parent, or NULL. A clone repeats no fallback to HTTP. */
static bool init_mirror(struct registry_mirror *mirror, const struct host *host,
                        const struct registry_mirror *origin, const char *repository,
                        struct error *err)
{
    CLEANUP(buf_deinit) struct buf url = BUF_INIT(REGISTRY_URL_BYTES);

    mirror->host = host;
    mirror->own = is_registry(host);
    mirror->repository = host->repository ? host->repository : repository;
    mirror->auth = origin ? origin->auth : NULL;
    mirror->settled = origin && origin->settled;
    mirror->plain = mirror->settled ? origin->plain
                                    : strcmp(host->scheme, "http") == 0 && !host->try_https_first;
    mirror->times = (struct http_times){-1, -1, -1, -1};
    buf_printf(&url, "%s://%s%s/%s", mirror->plain ? "http" : "https", host->authority, host->path,
               mirror->repository);
    mirror->base = buf_ok(&url, err) ? buf_take(&url) : NULL;
    return mirror->base;
}

/* A mirror must not get the credentials of the registry. */
static bool init_auth(struct registry_mirror *mirror, const struct registry_options *options,
                      struct error *err)
{
    CLEANUP(buf_deinit) struct buf scope = BUF_INIT(REGISTRY_URL_BYTES);

    buf_printf(&scope, "repository:%s:%s", mirror->repository,
               options->push ? "pull,push" : "pull");
    if (!buf_ok(&scope, err))
        return false;
    mirror->auth = registry_auth_new(mirror->own ? options->credentials : NULL, scope.data, err);
    if (mirror->auth) {
        mirror->auth->plain_http = mirror->plain;
        mirror->auth->progress = options->progress;
    }
    return mirror->auth != NULL;
}

static struct registry *create(const struct host_list *hosts, struct registry *parent,
                               const struct reference *reference, struct error *err)
{
    CLEANUP(registry_freep) struct registry *registry = calloc(1, sizeof(*registry));

    if (registry) {
        pthread_mutex_init(&registry->lock, NULL);
        registry->hosts = hosts;
        registry->parent = parent;
        registry->reference = *reference;
        registry->traffic = (struct registry_traffic)REGISTRY_TRAFFIC_INIT;
        registry->mirrors = calloc(hosts->count, sizeof(*registry->mirrors));
    }
    if (!registry || !registry->mirrors) {
        error_memory(err);
        return NULL;
    }
    for (size_t i = 0; i < hosts->count; i++)
        if (!init_mirror(&registry->mirrors[i], &hosts->items[i],
                         parent ? &parent->mirrors[i] : NULL, reference->repository, err))
            return NULL;
    return TAKE(registry);
}

struct registry *registry_new(const struct reference *reference,
                              const struct registry_options *options, struct error *err)
{
    CLEANUP(registry_freep) struct registry *registry = NULL;

    if (options->hosts->failed) {
        *err = *options->hosts->failed;
        return NULL;
    }
    registry = create(options->hosts, NULL, reference, err);
    if (!registry)
        return NULL;
    registry->push = options->push;
    registry->family = options->family;
    registry->progress = options->progress;
    for (size_t i = 0; i < options->hosts->count; i++)
        if (!init_auth(&registry->mirrors[i], options, err))
            return NULL;
    return TAKE(registry);
}

struct registry *registry_clone(struct registry *parent, struct error *err)
{
    struct registry *clone = create(parent->hosts, parent, &parent->reference, err);

    if (clone) {
        clone->push = parent->push;
        clone->family = parent->family;
        clone->progress = parent->progress;
    }
    return clone;
}

void registry_traffic_add(struct registry_traffic *sum, const struct registry_traffic *more)
{
    sum->fetched_bytes += more->fetched_bytes;
    sum->uploaded_bytes += more->uploaded_bytes;
    sum->resumed += more->resumed;
    sum->stranded += more->stranded;
    if (more->rate_limit >= 0)
        sum->rate_limit = more->rate_limit;
    if (more->rate_limit_remaining >= 0)
        sum->rate_limit_remaining = more->rate_limit_remaining;
    if (more->retry_after > sum->retry_after)
        sum->retry_after = more->retry_after;
    if (sum->certificate_expiry == 0 ||
        (more->certificate_expiry > 0 && more->certificate_expiry < sum->certificate_expiry))
        sum->certificate_expiry = more->certificate_expiry;
}

/* Clones share the auth: its largest token time is the latest. */
static void merge_traffic(struct registry *parent, const struct registry_traffic *more)
{
    LOCK_SCOPE(&parent->lock);

    registry_traffic_add(&parent->traffic, more);
    if (more->token > parent->traffic.token)
        parent->traffic.token = more->token;
}

void registry_free(struct registry *registry)
{
    if (!registry)
        return;
    if (registry->parent)
        merge_traffic(registry->parent, &registry->traffic);
    for (size_t i = 0; registry->mirrors && i < registry->hosts->count; i++) {
        http_freep(&registry->mirrors[i].http);
        if (!registry->parent)
            registry_auth_free(registry->mirrors[i].auth);
        free(registry->mirrors[i].base);
    }
    free(registry->mirrors);
    pthread_mutex_destroy(&registry->lock);
    free(registry);
}

const struct registry_traffic *registry_traffic(const struct registry *registry)
{
    return &registry->traffic;
}

const char *registry_served_by(const struct registry *registry)
{
    return registry->served ? registry->served->host->authority : "";
}

const struct error *registry_passed_over(const struct registry *registry)
{
    return &registry->passed_over;
}

/* How much an error says about the image: a failed connection least. */
static int informativeness(const struct error *err)
{
    switch (err->code) {
    case ERROR_DNS:
    case ERROR_CONNECT:
    case ERROR_PROXY:
    case ERROR_TIMEOUT:
        return 0;
    case ERROR_NOT_FOUND:
        return 1;
    default:
        return 2;
    }
}

bool registry_try_mirrors(struct registry *registry, unsigned capabilities,
                          registry_attempt *attempt, void *arg, struct cancel *cancel,
                          struct error *err)
{
    struct error first = {0};
    bool tried = false;

    for (size_t i = 0; i < registry->hosts->count; i++) {
        struct registry_mirror *mirror = &registry->mirrors[i];
        struct error failure = {0}, stopped;
        enum registry_verdict verdict;

        if ((mirror->host->capabilities & capabilities) != capabilities)
            continue;
        verdict = attempt(registry, mirror, arg, cancel, &failure);
        if (verdict == REGISTRY_DONE) {
            registry->passed_over = first;
            return true;
        }
        if (!cancel_check(cancel, &stopped))
            verdict = REGISTRY_GIVE_UP;
        if (registry->hosts->count > 1)
            error_wrap(&failure, "%s", mirror->host->authority);
        if (!tried || verdict == REGISTRY_GIVE_UP ||
            informativeness(&failure) > informativeness(err))
            *err = failure;
        if (verdict == REGISTRY_GIVE_UP)
            return false;
        if (!tried)
            first = failure;
        tried = true;
        if (i + 1 < registry->hosts->count)
            progress_note(registry->progress, "%s: %s; trying the next host",
                          mirror->host->authority, error_code_name(failure.code));
    }
    return tried ? false
                 : error_set(err, ERROR_INVALID, "%s: no host has the capability for this request",
                             *registry->hosts->file ? registry->hosts->file : "hosts");
}

struct registry_mirror *registry_push_mirror(struct registry *registry, struct error *err)
{
    for (size_t i = 0; i < registry->hosts->count; i++)
        if (registry->mirrors[i].host->capabilities & HOST_PUSH)
            return &registry->mirrors[i];
    error_set(err, ERROR_INVALID, "%s: no host has the capability \"push\"",
              *registry->hosts->file ? registry->hosts->file : "hosts");
    return NULL;
}
