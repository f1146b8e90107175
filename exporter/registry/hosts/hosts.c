/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applies containerd's rules to what hosts_toml, hosts_url and hosts_certs read.
 *
 * Like containerd, it distinguishes three kinds of mistakes: those that void the file (the
 * certificates in the directory are used instead, with a warning), those that make one host
 * unusable (the next is tried), and those that fail the pull.
 */
#include "registry/hosts/hosts.h"

#include "net/http/http.h"
#include "os/file.h"
#include "registry/hosts/hosts_certs.h"
#include "registry/hosts/hosts_dir.h"
#include "registry/hosts/hosts_draft.h"
#include "registry/hosts/hosts_url.h"

#include <stdio.h>
#include <string.h>

#define REPOSITORY_CHARS                                             \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" \
    "/._-"

#define DRAFTS_MAX (HOSTS_TOML_HOSTS_MAX + 1) /* including `server` */

struct finder {
    const struct reference *reference;
    const struct host_options *options;
    struct hosts_place place;
    struct hosts_draft *drafts;
    size_t count;
};

static const char *const no_texts[] = {NULL};

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

/* ---- the registry itself */

/* containerd names the registry itself: keeps TLS options and headers of the draft, but not its
 * capabilities. */
static void name_registry(const struct finder *finder, struct hosts_draft *draft)
{
    const struct host_options *options = finder->options;
    const char *authority = finder->reference->endpoint, *port = hosts_url_port(authority);
    struct host *host = &draft->host;

    host->scheme = options->plain_http ? "http" : "https";
    host->authority = authority;
    host->path = "/v2";
    host->capabilities = HOST_ALL;
    draft->unusable = draft->has_bad_header;
    /* A configured CA must not be bypassed by plain HTTP. */
    if (options->plain_http || or_empty(options->ca_file)[0] || !hosts_url_is_loopback(authority))
        return;
    if (port[0] && strcmp(port, "443") != 0)
        host->scheme = "http";
    if (strcmp(port, "80") == 0)
        return;
    draft->tls = true;
    host->skip_verify = true;
}

/* Applies the exporter's own configuration. */
static void apply_options(const struct finder *finder, struct hosts_draft *draft)
{
    const struct host_options *options = finder->options;
    struct host *host = &draft->host;

    if (options->skip_verify)
        host->skip_verify = true;
    host->ca_file = or_empty(options->ca_file);
    if (or_empty(options->client_cert)[0]) {
        host->client_cert = options->client_cert;
        host->client_key = or_empty(options->client_key);
    }
    if (options->skip_verify || host->ca_file[0] || or_empty(options->client_cert)[0])
        draft->tls = true;
}

static bool use_certificates(struct finder *finder, struct error *err)
{
    struct hosts_draft *draft = &finder->drafts[0];
    struct hosts_certs certs = {0};

    *draft =
        (struct hosts_draft){.host = {.scheme = "", .authority = "", .path = "", .ca_file = ""}};
    draft->host.headers = no_texts;
    finder->count = 1;
    if (finder->place.dir[0] &&
        !hosts_certs_list(finder->place.dir, finder->place.arena, &certs, err))
        return false;
    draft->tls = certs.ca || certs.cert;
    draft->host.more_ca_files = certs.ca ? certs.ca : no_texts;
    draft->host.client_cert = or_empty(certs.cert);
    draft->host.client_key = or_empty(certs.key);
    if (certs.n_certs > 1 && finder->place.warning->code == ERROR_NONE)
        error_set(finder->place.warning, ERROR_UNSUPPORTED,
                  "%s: %zu client certificates: only the first is used", finder->place.dir,
                  certs.n_certs);
    return true;
}

/* ---- the list */

static bool read_entry(struct finder *finder, const struct hosts_toml_entry *entry,
                       struct error *err)
{
    return hosts_draft_read(&finder->place, entry, &finder->drafts[finder->count++], err);
}

static bool read_entries(struct finder *finder, const struct hosts_toml *file, struct error *err)
{
    /* containerd 2 searches for table headers, containerd 1 for tables. */
    for (size_t i = 0; i < file->count; i++)
        if ((finder->place.rules->like_containerd_1 || file->hosts[i].by_header) &&
            !read_entry(finder, &file->hosts[i], err))
            return false;
    return read_entry(finder, &file->root, err);
}

static bool use_file(struct finder *finder, const struct buf *text, struct error *err)
{
    const struct hosts_rules *rules = finder->place.rules;
    struct hosts_toml *file = arena_alloc(finder->place.arena, sizeof(*file));

    if (!file)
        return arena_ok(finder->place.arena, err);
    if (!hosts_toml_parse(text->data, text->size, rules, finder->place.arena, file, err))
        return false;
    if (rules->like_containerd_1 && !file->has_host_table)
        return error_set(err, ERROR_INVALID, "no [host] table: containerd 1 requires one");
    if (rules->dialect == HOSTS_DIALECT_UNKNOWN && file->newest_line > 0)
        hosts_warn(
            &finder->place, file->newest_line,
            "TOML 1.1: containerd before 2.4 ignores the file, unless its build has go-toml 2.4");
    return read_entries(finder, file, err);
}

static bool read_directory(struct finder *finder, const char **used, struct error *err)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(HOSTS_TOML_BYTES_MAX);
    const char *path = hosts_dir_join(finder->place.dir, "hosts.toml", finder->place.arena);
    bool found;

    if (!path)
        return arena_ok(finder->place.arena, err);
    *used = finder->place.dir;
    if (!hosts_dir_has(path, &found, finder->place.warning, err) ||
        (found && !file_read(path, &text, err)))
        return false;
    if (text.size == 0)
        return use_certificates(finder, err);
    *used = path;
    if (use_file(finder, &text, err))
        return true;
    error_wrap(err, "%s", path);
    if (err->code != ERROR_INVALID)
        return false;
    *finder->place.warning = *err;
    error_wrap(finder->place.warning, "ignored like by containerd");
    *used = finder->place.dir;
    memset(finder->drafts, 0, DRAFTS_MAX * sizeof(*finder->drafts));
    return use_certificates(finder, err);
}

/* Checks the certificates of hosts.toml. */
static bool check_certificates(const struct finder *finder, struct error *err)
{
    for (size_t i = 0; i < finder->count; i++) {
        const struct host *host = &finder->drafts[i].host;

        for (const char *const *path = host->more_ca_files; *path; path++)
            if (!hosts_certs_check_ca(*path, err))
                return false;
        if (host->client_cert[0] &&
            !hosts_certs_check_pair(host->client_cert, host->client_key, err))
            return false;
    }
    return true;
}

/* Like Go's path.Join() in the URL. Returns "" for what cannot be a repository. */
static const char *clean_repository(const struct finder *finder, const char *name)
{
    char *path = hosts_dir_join("", name, finder->place.arena);

    if (!path)
        return "";
    hosts_url_clean(path);
    return path[0] && path[strspn(path, REPOSITORY_CHARS)] == '\0' ? path + 1 : "";
}

static bool rewrite(const struct finder *finder, struct hosts_draft *draft, struct error *err)
{
    const struct hosts_toml_entry *entry = draft->entry;
    const char *repository = finder->reference->repository;
    struct hosts_rewritten found;

    if (!entry || !entry->rewrites)
        return true;
    if (!hosts_rewrite_repository(entry->rewrites, repository, finder->place.arena, &found, err))
        return error_wrap(err, "%s/hosts.toml: line %u", finder->place.dir, entry->rewrite_line);
    if (found.invalid)
        hosts_warn(&finder->place, entry->rewrite_line,
                   "a pattern of \"rewrite\" is no regular expression of Go");
    if (found.ambiguous)
        hosts_warn(&finder->place, entry->rewrite_line,
                   "several patterns of \"rewrite\" match: containerd applies any one of them");
    if (found.repository == repository)
        return true;
    draft->host.repository = clean_repository(finder, found.repository);
    draft->unusable = draft->unusable || !draft->host.repository[0];
    return true;
}

static void finish_host(const struct finder *finder, struct hosts_draft *draft)
{
    struct host *host = &draft->host;

    host->name_space = strcmp(host->authority, finder->reference->endpoint) == 0 ||
                               strcmp(host->authority, finder->reference->host) == 0
                           ? ""
                           : finder->reference->host;
    host->try_https_first = draft->tls && strcmp(host->scheme, "http") == 0 &&
                            strcmp(hosts_url_port(host->authority), "80") != 0;
}

static bool make_list(struct finder *finder, struct host_list *list, struct error *err)
{
    struct host *items = arena_alloc(finder->place.arena, finder->count * sizeof(*items));

    list->count = 0;
    for (size_t i = 0; items && i < finder->count; i++) {
        struct hosts_draft *draft = &finder->drafts[i];

        finish_host(finder, draft);
        if (!rewrite(finder, draft, err))
            return false;
        if (!draft->unusable)
            items[list->count++] = draft->host;
        else if (finder->place.warning->code == ERROR_NONE)
            error_set(finder->place.warning, ERROR_INVALID,
                      "%s: host %zu: no request can be sent to it", list->file, i + 1);
    }
    list->items = items;
    if (!items)
        return arena_ok(finder->place.arena, err);
    return list->count > 0 || error_set(err, ERROR_INVALID, "%s: no usable host", list->file);
}

static bool find(struct finder *finder, struct host_list *list, struct error *err)
{
    const struct hosts_place *place = &finder->place;
    struct hosts_draft *last;
    struct hosts_dir dir;

    if (!hosts_dir_find(finder->options->roots, finder->reference->host, place->arena, &dir,
                        place->warning, err))
        return false;
    finder->place.dir = dir.path;
    if (!(place->dir[0] ? read_directory(finder, &list->file, err)
                        : use_certificates(finder, err)) ||
        !check_certificates(finder, err))
        return false;
    last = &finder->drafts[finder->count - 1];
    if (!last->host.authority[0]) {
        name_registry(finder, last);
        apply_options(finder, last);
    }
    return make_list(finder, list, err);
}

bool hosts_find(const struct reference *reference, const struct host_options *options,
                struct arena *arena, struct host_list *list, struct error *warning,
                struct error *err)
{
    struct finder finder = {
        reference, options, {.rules = &options->rules, .arena = arena, .warning = warning}};

    *warning = (struct error){.code = ERROR_NONE};
    *list = (struct host_list){.file = "", .push_without_ns = options->rules.push_without_ns};
    finder.drafts = arena_alloc(arena, DRAFTS_MAX * sizeof(*finder.drafts));
    if (!finder.drafts)
        return arena_ok(arena, err);
    if (find(&finder, list, err))
        return true;
    list->count = 0;
    return false;
}

const char *hosts_root(const struct reference *reference, const char *roots, struct arena *arena)
{
    struct error warning = {.code = ERROR_NONE}, unused;
    struct hosts_dir dir;

    return hosts_dir_find(roots, reference->host, arena, &dir, &warning, &unused) ||
                   unused.code == ERROR_INVALID
               ? dir.root
               : "";
}

bool hosts_check_files(const struct host_options *options, const char **file, struct error *err)
{
    return http_check_files(&(struct http_options){.ca_file = options->ca_file,
                                                   .client_cert = options->client_cert,
                                                   .client_key = options->client_key,
                                                   .skip_verify = options->skip_verify},
                            file, err);
}
