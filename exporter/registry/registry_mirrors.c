/* SPDX-License-Identifier: Apache-2.0 */
/* A registry and its mirrors: made, branched, asked one after the other. */
#include "registry/registry_call.h"

#include <stdio.h>
#include <string.h>

static bool make_base(const struct host *host, const char *scheme, const char *repository,
                      char **base, struct error *err)
{
    CLEANUP(buf_deinit) struct buf url = BUF_INIT(REGISTRY_URL_BYTES);

    buf_printf(&url, "%s://%s%s/%s", scheme, host->authority, host->path, repository);
    if (!buf_ok(&url, err))
        return false;
    free(*base);
    *base = buf_take(&url);
    return true;
}

static bool make_site(struct registry_site *site, const struct host *host, const char *repository,
                      struct error *err)
{
    site->host = host;
    site->plain = strcmp(host->scheme, "http") == 0 && !host->try_https_first;
    site->times = (struct http_times){-1, -1, -1, -1};
    return make_base(host, site->plain ? "http" : "https", repository, &site->base, err);
}

/* The registry's password is not a mirror's business. */
static bool make_auth(struct registry_site *site, const struct registry_options *options,
                      const char *scope, struct error *err)
{
    site->auth =
        registry_auth_new(*site->host->name_space ? NULL : options->credentials, scope, err);
    if (site->auth) {
        site->auth->plain_http = site->plain;
        site->auth->progress = options->progress;
    }
    return site->auth != NULL;
}

static struct registry *make(const struct host_list *hosts, const char *repository,
                             struct error *err)
{
    CLEANUP(registry_freep) struct registry *registry = calloc(1, sizeof(*registry));

    if (registry) {
        pthread_mutex_init(&registry->lock, NULL);
        registry->hosts = hosts;
        registry->repository = repository;
        registry->traffic = (struct registry_traffic)REGISTRY_TRAFFIC_INIT;
        registry->sites = calloc(hosts->count, sizeof(*registry->sites));
    }
    if (!registry || !registry->sites) {
        error_memory(err);
        return NULL;
    }
    for (size_t i = 0; i < hosts->count; i++)
        if (!make_site(&registry->sites[i], &hosts->items[i], repository, err))
            return NULL;
    return TAKE(registry);
}

struct registry *registry_new(const struct reference *reference,
                              const struct registry_options *options, struct error *err)
{
    CLEANUP(buf_deinit) struct buf scope = BUF_INIT(REGISTRY_URL_BYTES);
    CLEANUP(registry_freep)
    struct registry *registry = make(options->hosts, reference->repository, err);

    buf_printf(&scope, "repository:%s:%s", reference->repository,
               options->push ? "pull,push" : "pull");
    if (!registry || !buf_ok(&scope, err))
        return NULL;
    registry->family = options->family;
    registry->progress = options->progress;
    for (size_t i = 0; i < options->hosts->count; i++)
        if (!make_auth(&registry->sites[i], options, scope.data, err))
            return NULL;
    return TAKE(registry);
}

struct registry *registry_branch(struct registry *trunk, struct error *err)
{
    struct registry *branch = make(trunk->hosts, trunk->repository, err);

    if (!branch)
        return NULL;
    branch->trunk = trunk;
    branch->family = trunk->family;
    branch->progress = trunk->progress;
    for (size_t i = 0; i < trunk->hosts->count; i++) {
        struct registry_site *site = &branch->sites[i];

        site->auth = trunk->sites[i].auth;
        site->settled = trunk->sites[i].settled;
        if (site->settled && site->plain != trunk->sites[i].plain) {
            site->plain = trunk->sites[i].plain;
            if (!make_base(site->host, "http", trunk->repository, &site->base, err)) {
                registry_free(branch);
                return NULL;
            }
        }
    }
    return branch;
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

/* Tokens belong to the auth that they share: the longest sum is the last one. */
static void merge_traffic(struct registry *trunk, const struct registry_traffic *more)
{
    LOCK_SCOPE(&trunk->lock);

    registry_traffic_add(&trunk->traffic, more);
    if (more->token > trunk->traffic.token)
        trunk->traffic.token = more->token;
}

void registry_free(struct registry *registry)
{
    if (!registry)
        return;
    if (registry->trunk)
        merge_traffic(registry->trunk, &registry->traffic);
    for (size_t i = 0; registry->sites && i < registry->hosts->count; i++) {
        http_freep(&registry->sites[i].http);
        if (!registry->trunk)
            registry_auth_free(registry->sites[i].auth);
        free(registry->sites[i].base);
    }
    free(registry->sites);
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

static int tells(const struct error *err)
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

bool registry_try_sites(struct registry *registry, unsigned capabilities, registry_attempt *attempt,
                        void *arg, struct cancel *cancel, struct error *err)
{
    struct error first = {0};
    bool tried = false;

    for (size_t i = 0; i < registry->hosts->count; i++) {
        struct registry_site *site = &registry->sites[i];
        struct error failure = {0}, stopped;
        enum registry_verdict verdict;

        if ((site->host->capabilities & capabilities) != capabilities)
            continue;
        verdict = attempt(registry, site, arg, cancel, &failure);
        if (verdict == REGISTRY_DONE) {
            registry->passed_over = first;
            return true;
        }
        if (!cancel_check(cancel, &stopped))
            verdict = REGISTRY_GIVE_UP;
        if (registry->hosts->count > 1)
            error_wrap(&failure, "%s", site->host->authority);
        if (!tried || verdict == REGISTRY_GIVE_UP || tells(&failure) > tells(err))
            *err = failure;
        if (verdict == REGISTRY_GIVE_UP)
            return false;
        if (!tried)
            first = failure;
        tried = true;
        if (i + 1 < registry->hosts->count)
            progress_note(registry->progress, "%s: %s; on to the next host", site->host->authority,
                          error_code_name(failure.code));
    }
    return tried ? false
                 : error_set(err, ERROR_INVALID, "no host of %s may be asked for this",
                             *registry->hosts->file ? registry->hosts->file : "the list");
}

struct registry_site *registry_push_site(struct registry *registry, struct error *err)
{
    for (size_t i = 0; i < registry->hosts->count; i++)
        if (registry->sites[i].host->capabilities & HOST_PUSH)
            return &registry->sites[i];
    error_set(err, ERROR_INVALID, "no host of %s takes pushes",
              *registry->hosts->file ? registry->hosts->file : "the list");
    return NULL;
}
