/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/hosts/hosts_draft.h"

#include "base/clock.h"
#include "base/text.h"
#include "encoding/go_duration.h"
#include "os/rootfs.h"
#include "registry/hosts/hosts_dir.h"
#include "registry/hosts/hosts_url.h"

#include <string.h>
#include <strings.h>

#define DIAL_TIMEOUT_MAX_NS (24 * 3600 * NS_PER_SECOND) /* far longer than any run */
#define TOKEN_CHARS                                                  \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789" \
    "!#$%&'*+-.^_`|~"

void hosts_warn(const struct hosts_place *place, unsigned line, const char *what)
{
    if (place->warning->code == ERROR_NONE)
        error_set(place->warning, ERROR_UNSUPPORTED, "%s/hosts.toml: line %u: %s", place->dir, line,
                  what);
}

static unsigned capability_of(const char *word)
{
    return strcasecmp(word, "pull") == 0      ? HOST_PULL
           : strcasecmp(word, "resolve") == 0 ? HOST_RESOLVE
           : strcasecmp(word, "push") == 0    ? HOST_PUSH
                                              : 0;
}

static bool read_capabilities(const struct hosts_place *place, const char *const *words,
                              unsigned *capabilities, struct error *err)
{
    if (!words || !words[0])
        *capabilities = HOST_ALL;
    for (; words && *words; words++) {
        unsigned capability = capability_of(*words);

        if (capability == 0 && (place->rules->no_referrers || strcasecmp(*words, "referrers") != 0))
            return error_set(err, ERROR_INVALID,
                             "invalid capability: expected pull, resolve or push");
        *capabilities |= capability;
    }
    return true;
}

/* An absolute path is one of the node. Like filepath.Join(): "" becomes the directory, which is no
 * certificate. */
static const char *absolute(const struct hosts_place *place, const char *path)
{
    return path[0] == '/' ? rootfs_join(path, place->arena)
                          : hosts_dir_join(place->dir, path, place->arena);
}

static bool read_tls(const struct hosts_place *place, const struct hosts_toml_entry *entry,
                     struct hosts_draft *draft, struct error *err)
{
    const char **files = arena_alloc(place->arena, (HOSTS_TOML_FILES_MAX + 1) * sizeof(*files));

    /* For containerd an empty `ca` is a TLS option, an empty `client` is not. */
    draft->tls = entry->skip_verify || entry->ca || (entry->clients && entry->clients[0].cert);
    draft->host.skip_verify = entry->skip_verify && *entry->skip_verify;
    for (size_t i = 0; files && entry->ca && entry->ca[i]; i++)
        files[i] = absolute(place, entry->ca[i]);
    draft->host.more_ca_files = files;
    if (!entry->clients || !entry->clients[0].cert)
        return arena_ok(place->arena, err);
    draft->host.client_cert = absolute(place, entry->clients[0].cert);
    if (entry->clients[0].key)
        draft->host.client_key = absolute(place, entry->clients[0].key);
    if (entry->clients[1].cert)
        hosts_warn(place, entry->line, "several client certificates: only the first is used");
    return arena_ok(place->arena, err);
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

static bool read_headers(const struct hosts_place *place, const char *const *lines,
                         struct hosts_draft *draft, struct error *err)
{
    const char **kept = arena_alloc(place->arena, (HOSTS_TOML_HEADERS_MAX + 1) * sizeof(*kept));
    size_t n = 0;

    for (; kept && lines && *lines; lines++) {
        size_t name_size = strspn(*lines, TOKEN_CHARS);

        if (!is_header(*lines, name_size))
            draft->has_bad_header = true;
        else if (!is_overwritten(*lines, name_size))
            kept[n++] = *lines;
    }
    draft->host.headers = kept;
    return arena_ok(place->arena, err);
}

static bool read_url(const struct hosts_place *place, const struct hosts_toml_entry *entry,
                     struct hosts_draft *draft, struct error *err)
{
    struct hosts_url url = {"", "", "", false};

    if (entry->name[0] &&
        !hosts_url_parse(entry->name, entry->override_path, place->arena, &url, err))
        return false;
    draft->host.scheme = url.scheme;
    draft->host.authority = url.authority;
    draft->host.path = url.path;
    draft->unusable = !url.usable;
    return true;
}

/* For Go's dialer 0 means no limit, and less expires at once. */
static bool read_dial_timeout(const char *text, struct hosts_draft *draft, struct error *err)
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

bool hosts_draft_read(const struct hosts_place *place, const struct hosts_toml_entry *entry,
                      struct hosts_draft *draft, struct error *err)
{
    draft->host.client_cert = draft->host.client_key = draft->host.ca_file = "";
    draft->entry = entry;
    if (entry->rewrite_line > 0 && !entry->rewrites)
        hosts_warn(place, entry->rewrite_line,
                   "the key \"rewrite\" is ignored: only the containerd of k3s and RKE2 knows it");
    if (!read_url(place, entry, draft, err) ||
        !read_capabilities(place, entry->capabilities, &draft->host.capabilities, err) ||
        !read_tls(place, entry, draft, err) || !read_headers(place, entry->headers, draft, err) ||
        !read_dial_timeout(entry->dial_timeout, draft, err))
        return err->code == ERROR_INVALID ? error_wrap(err, "line %u", entry->line) : false;
    draft->unusable = draft->unusable || draft->has_bad_header;
    return true;
}
