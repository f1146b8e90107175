/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applies containerd's rules to what hosts_toml, hosts_url and hosts_certs read.
 *
 * Like containerd, it distinguishes three kinds of mistakes: those that void the file (the
 * certificates in the directory are used instead, with a warning), those that make one host
 * unusable (the next is tried), and those that fail the pull.
 */
#include "registry/hosts/hosts.h"

#include "base/clock.h"
#include "base/text.h"
#include "encoding/go_duration.h"
#include "os/file.h"
#include "registry/hosts/hosts_certs.h"
#include "registry/hosts/hosts_dir.h"
#include "registry/hosts/hosts_toml.h"
#include "registry/hosts/hosts_url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DIAL_TIMEOUT_MAX_NS (24 * 3600 * NS_PER_SECOND) /* far longer than any run */
#define ALL_CAPABILITIES    (HOST_PULL | HOST_RESOLVE | HOST_PUSH)
#define TOKEN_CHARS                                                  \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" \
    "!#$%&'*+-.^_`|~"

/* A host that is not yet in the list. */
struct draft {
    struct host host;
    bool tls;            /* has TLS options, even if only skip_verify = false */
    bool has_bad_header; /* Go's client rejects every request with it */
    bool unusable;       /* containerd cannot send it a request */
};

#define DRAFTS_MAX (HOSTS_TOML_HOSTS_MAX + 1) /* including `server` */

struct finder {
    const struct reference *reference;
    const struct host_options *options;
    struct arena *arena;
    const char *dir; /* of the hosts.toml */
    struct draft *drafts;
    size_t count;
    struct error *warning;
};

static const char *const no_texts[] = {NULL};

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

/* ---- one host */

static unsigned capability_of(const char *word)
{
    return strcasecmp(word, "pull") == 0      ? HOST_PULL
           : strcasecmp(word, "resolve") == 0 ? HOST_RESOLVE
           : strcasecmp(word, "push") == 0    ? HOST_PUSH
                                              : 0;
}

static bool read_capabilities(const struct finder *finder, const char *const *words,
                              unsigned *capabilities, struct error *err)
{
    if (!words || !words[0])
        *capabilities = ALL_CAPABILITIES;
    for (; words && *words; words++) {
        unsigned capability = capability_of(*words);

        if (capability == 0 &&
            (finder->options->rules.no_referrers || strcasecmp(*words, "referrers") != 0))
            return error_set(err, ERROR_INVALID,
                             "invalid capability: expected pull, resolve or push");
        *capabilities |= capability;
    }
    return true;
}

/* Like filepath.Join(): "" becomes the directory, which is no certificate. */
static const char *absolute(const struct finder *finder, const char *path)
{
    return path[0] == '/' ? path : hosts_dir_join(finder->dir, path, finder->arena);
}

static bool read_tls(const struct finder *finder, const struct hosts_toml_entry *entry,
                     struct draft *draft, struct error *err)
{
    const char **files = arena_alloc(finder->arena, (HOSTS_TOML_FILES_MAX + 1) * sizeof(*files));

    /* For containerd an empty `ca` is a TLS option, an empty `client` is not. */
    draft->tls = entry->skip_verify || entry->ca || (entry->clients && entry->clients[0].cert);
    draft->host.skip_verify = entry->skip_verify && *entry->skip_verify;
    for (size_t i = 0; files && entry->ca && entry->ca[i]; i++)
        files[i] = absolute(finder, entry->ca[i]);
    draft->host.more_ca_files = files;
    if (!entry->clients || !entry->clients[0].cert)
        return arena_ok(finder->arena, err);
    draft->host.client_cert = absolute(finder, entry->clients[0].cert);
    if (entry->clients[0].key)
        draft->host.client_key = absolute(finder, entry->clients[0].key);
    if (entry->clients[1].cert)
        error_set(finder->warning, ERROR_UNSUPPORTED,
                  "%s/hosts.toml: line %u: several client certificates: only the first is used",
                  finder->dir, entry->line);
    return arena_ok(finder->arena, err);
}

/* Headers that Go's client or containerd overwrites in every request. */
static bool is_overwritten(const char *line, size_t name_size)
{
    static const char *const names[] = {"Host", "Content-Length", "Transfer-Encoding", "Trailer",
                                        "Accept"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (text_equal_ignoring_case(line, name_size, names[i]))
            return true;
    return false;
}

static bool is_header(const char *line, size_t name_size)
{
    if (name_size == 0 || line[name_size] != ':')
        return false;
    for (; *line; line++)
        if (((unsigned char)*line < ' ' && *line != '\t') || *line == 0x7f)
            return false;
    return true;
}

static bool read_headers(const struct finder *finder, const char *const *lines, struct draft *draft,
                         struct error *err)
{
    const char **kept = arena_alloc(finder->arena, (HOSTS_TOML_HEADERS_MAX + 1) * sizeof(*kept));
    size_t n = 0;

    for (; kept && lines && *lines; lines++) {
        size_t name_size = strspn(*lines, TOKEN_CHARS);

        if (!is_header(*lines, name_size))
            draft->has_bad_header = true;
        else if (!is_overwritten(*lines, name_size))
            kept[n++] = *lines;
    }
    draft->host.headers = kept;
    return arena_ok(finder->arena, err);
}

static bool read_url(const struct finder *finder, const struct hosts_toml_entry *entry,
                     struct draft *draft, struct error *err)
{
    struct hosts_url url = {"", "", "", false};

    if (entry->name[0] &&
        !hosts_url_parse(entry->name, entry->override_path, finder->arena, &url, err))
        return false;
    draft->host.scheme = url.scheme;
    draft->host.authority = url.authority;
    draft->host.path = url.path;
    draft->unusable = !url.usable;
    return true;
}

/* For Go's dialer 0 means no limit, and less expires at once. */
static bool read_dial_timeout(const char *text, struct draft *draft, struct error *err)
{
    int64_t ns;

    if (!text || !text[0])
        return true;
    if (!go_duration_ns(text, &ns, err))
        return false;
    if (ns == 0 || ns > DIAL_TIMEOUT_MAX_NS)
        ns = DIAL_TIMEOUT_MAX_NS;
    draft->host.dial_timeout_ns = ns < NS_PER_MS ? NS_PER_MS : ns;
    return true;
}

static bool read_entry(struct finder *finder, const struct hosts_toml_entry *entry,
                       struct error *err)
{
    struct draft *draft = &finder->drafts[finder->count];

    draft->host.client_cert = draft->host.client_key = draft->host.ca_file = "";
    if (!read_url(finder, entry, draft, err) ||
        !read_capabilities(finder, entry->capabilities, &draft->host.capabilities, err) ||
        !read_tls(finder, entry, draft, err) || !read_headers(finder, entry->headers, draft, err) ||
        !read_dial_timeout(entry->dial_timeout, draft, err))
        return err->code == ERROR_INVALID ? error_wrap(err, "line %u", entry->line) : false;
    draft->unusable = draft->unusable || draft->has_bad_header;
    finder->count++;
    return true;
}

/* ---- the registry itself */

/* containerd names the registry itself: keeps TLS options and headers of the draft, but not its
 * capabilities. */
static void name_registry(const struct finder *finder, struct draft *draft)
{
    const struct host_options *options = finder->options;
    const char *authority = finder->reference->endpoint, *port = hosts_url_port(authority);
    struct host *host = &draft->host;

    host->scheme = options->plain_http ? "http" : "https";
    host->authority = authority;
    host->path = "/v2";
    host->capabilities = ALL_CAPABILITIES;
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
static void apply_options(const struct finder *finder, struct draft *draft)
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
    struct draft *draft = &finder->drafts[0];
    struct hosts_certs certs = {0};

    *draft = (struct draft){.host = {.scheme = "", .authority = "", .path = "", .ca_file = ""}};
    draft->host.headers = no_texts;
    finder->count = 1;
    if (finder->dir[0] && !hosts_certs_list(finder->dir, finder->arena, &certs, err))
        return false;
    draft->tls = certs.ca || certs.cert;
    draft->host.more_ca_files = certs.ca ? certs.ca : no_texts;
    draft->host.client_cert = or_empty(certs.cert);
    draft->host.client_key = or_empty(certs.key);
    if (certs.n_certs > 1 && finder->warning->code == ERROR_NONE)
        error_set(finder->warning, ERROR_UNSUPPORTED,
                  "%s: %zu client certificates: only the first is used", finder->dir,
                  certs.n_certs);
    return true;
}

/* ---- the list */

static bool read_entries(struct finder *finder, const struct hosts_toml *file, struct error *err)
{
    /* containerd 2 searches for table headers, containerd 1 for tables. */
    for (size_t i = 0; i < file->count; i++)
        if ((finder->options->rules.like_containerd_1 || file->hosts[i].by_header) &&
            !read_entry(finder, &file->hosts[i], err))
            return false;
    return read_entry(finder, &file->root, err);
}

static bool use_file(struct finder *finder, const struct buf *text, struct error *err)
{
    const struct hosts_rules *rules = &finder->options->rules;
    struct hosts_toml file;

    if (!hosts_toml_parse(text->data, text->size, rules, finder->arena, &file, err))
        return false;
    if (rules->like_containerd_1 && !file.has_host_table)
        return error_set(err, ERROR_INVALID, "no [host] table: containerd 1 requires one");
    if (rules->dialect == HOSTS_DIALECT_UNKNOWN && file.newest_line > 0)
        error_set(finder->warning, ERROR_UNSUPPORTED,
                  "%s/hosts.toml: line %u: TOML 1.1: only containerd 2.4 or later is sure to read "
                  "it, older ones may ignore the file",
                  finder->dir, file.newest_line);
    return read_entries(finder, &file, err);
}

static bool read_directory(struct finder *finder, const char **used, struct error *err)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(HOSTS_TOML_BYTES_MAX);
    const char *path = hosts_dir_join(finder->dir, "hosts.toml", finder->arena);
    bool found;

    if (!path)
        return arena_ok(finder->arena, err);
    *used = finder->dir;
    if (!hosts_dir_has(path, &found, err) || (found && !file_read(path, &text, err)))
        return false;
    if (text.size == 0)
        return use_certificates(finder, err);
    *used = path;
    if (use_file(finder, &text, err))
        return true;
    error_wrap(err, "%s", path);
    if (err->code != ERROR_INVALID)
        return false;
    *finder->warning = *err;
    error_wrap(finder->warning, "ignored like by containerd");
    *used = finder->dir;
    memset(finder->drafts, 0, DRAFTS_MAX * sizeof(*finder->drafts));
    return use_certificates(finder, err);
}

/* Checks the certificates of hosts.toml. http_new() checks those of the options. */
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

static void finish_host(const struct finder *finder, struct draft *draft)
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
    struct host *items = arena_alloc(finder->arena, finder->count * sizeof(*items));

    list->count = 0;
    for (size_t i = 0; items && i < finder->count; i++) {
        struct draft *draft = &finder->drafts[i];

        finish_host(finder, draft);
        if (!draft->unusable)
            items[list->count++] = draft->host;
        else if (finder->warning->code == ERROR_NONE)
            error_set(finder->warning, ERROR_INVALID, "%s: host %zu: no request can be sent to it",
                      list->file, i + 1);
    }
    list->items = items;
    if (!items)
        return arena_ok(finder->arena, err);
    return list->count > 0 || error_set(err, ERROR_INVALID, "%s: no usable host", list->file);
}

bool hosts_find(const struct reference *reference, const struct host_options *options,
                struct arena *arena, struct host_list *list, struct error *warning,
                struct error *err)
{
    struct finder finder = {reference, options, arena, .warning = warning};
    struct host_list found = {.file = ""};
    struct draft *last;

    *warning = (struct error){.code = ERROR_NONE};
    finder.drafts = arena_alloc(arena, DRAFTS_MAX * sizeof(*finder.drafts));
    if (!finder.drafts)
        return arena_ok(arena, err);
    if (!hosts_dir_find(options->roots, reference->host, arena, &finder.dir, NULL, err))
        return false;
    if (!(finder.dir[0] ? read_directory(&finder, &found.file, err)
                        : use_certificates(&finder, err)) ||
        !check_certificates(&finder, err))
        return false;
    last = &finder.drafts[finder.count - 1];
    if (!last->host.authority[0]) {
        name_registry(&finder, last);
        apply_options(&finder, last);
    }
    if (!make_list(&finder, &found, err))
        return false;
    *list = found;
    return true;
}

const char *hosts_root(const struct reference *reference, const char *roots, struct arena *arena)
{
    struct error unused;
    const char *dir, *root;

    return hosts_dir_find(roots, reference->host, arena, &dir, &root, &unused) ? root : "";
}
