/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/docker_config.h"

#include "base/text.h"
#include "credentials/image_pattern.h"
#include "encoding/base64.h"
#include "encoding/json.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HUB_SERVER "https://index.docker.io/v1/"

#define KEY_BYTES ((size_t)512)

/* How well a key matches an image. A longer path ranks higher. */
enum {
    RANK_NONE,
    RANK_SAME_HOST, /* a URL with another path */
    RANK_GLOB,
    RANK_HOST,
    RANK_CANONICAL,
    RANK_PATH,
};

static bool is_hub(const char *host, size_t size)
{
    static const char *const names[] = {"docker.io", "index.docker.io", "registry-1.docker.io",
                                        "registry.hub.docker.com"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (text_equal_ignoring_case(host, size, names[i]))
            return true;
    return false;
}

const char *docker_config_server(const struct reference *reference)
{
    return is_hub(reference->host, strlen(reference->host)) ? HUB_SERVER : reference->host;
}

static bool is_same_host(const char *host, size_t size, const struct reference *reference)
{
    return text_equal_ignoring_case(host, size, reference->host) ||
           (is_hub(host, size) && is_hub(reference->host, strlen(reference->host)));
}

static const char *skip_scheme(const char *key)
{
    if (strncasecmp(key, "https://", 8) == 0)
        return key + 8;
    return strncasecmp(key, "http://", 7) == 0 ? key + 7 : key;
}

static bool is_version(const char *path, size_t size)
{
    return size == 2 && path[0] == 'v' && (path[1] == '1' || path[1] == '2');
}

/* Skips the slashes before a path, and "v1/" or "v2/" in front of it. */
static const char *skip_version(const char *path)
{
    path += strspn(path, "/");
    return is_version(path, strcspn(path, "/")) && path[2] ? path + 2 + strspn(path + 2, "/")
                                                           : path;
}

/* Like the kubelet: "team" is also the beginning of "teams/name", "team/" is not. */
static bool begins_repository(const char *path, const struct reference *reference)
{
    size_t size = strlen(path);

    return text_starts_with(reference->repository, path) ||
           (text_ends_with(path, "/") && strlen(reference->repository) == size - 1 &&
            strncmp(reference->repository, path, size - 1) == 0);
}

static size_t rank_of(const char *key, const struct reference *reference)
{
    const char *host = skip_scheme(key), *path;
    size_t host_size = strcspn(host, "/");

    if (!is_same_host(host, host_size, reference))
        return RANK_NONE;
    path = skip_version(host + host_size);
    if (strcasecmp(key, docker_config_server(reference)) == 0)
        return RANK_CANONICAL;
    if (!*path || is_version(path, strlen(path)))
        return RANK_HOST;
    if (begins_repository(path, reference))
        return RANK_PATH + strlen(path);
    return host == key ? RANK_NONE : RANK_SAME_HOST;
}

/* Writes a key as the kubelet compares it: without scheme and version. */
static void write_pattern(const char *key, char out[KEY_BYTES])
{
    const char *host = skip_scheme(key);
    size_t size = strcspn(host, "/");
    const char *path = skip_version(host + size);

    snprintf(out, KEY_BYTES, "%.*s%s%s", (int)size, host, *path ? "/" : "", path);
}

/* Whether the key is a pattern such as "*.registry.example:5000/team" for the image. */
static bool is_glob_of(const char *key, const struct reference *reference)
{
    char pattern[KEY_BYTES], image[KEY_BYTES];
    const char *host = skip_scheme(key);

    if (!memchr(host, '*', strcspn(host, "/")))
        return false;
    write_pattern(key, pattern);
    snprintf(image, sizeof(image), "%s/%s", reference->host, reference->repository);
    return image_pattern_matches(pattern, image);
}

struct search {
    const struct reference *reference;
    const struct json *best;
    const char *best_key;
    size_t best_rank;
};

static void consider(struct search *search, const char *key, const struct json *value)
{
    size_t rank = rank_of(key, search->reference);

    if (rank <= search->best_rank)
        return;
    search->best_rank = rank;
    search->best_key = key;
    search->best = value;
}

/* The kubelet tries patterns after names, and the last in the order of bytes first. */
static void consider_glob(struct search *search, const char *key, const struct json *value)
{
    char pattern[KEY_BYTES], best[KEY_BYTES];

    if (search->best_rank > RANK_GLOB || !is_glob_of(key, search->reference))
        return;
    if (search->best_rank == RANK_GLOB) {
        write_pattern(key, pattern);
        write_pattern(search->best_key, best);
        if (strcmp(pattern, best) <= 0)
            return;
    }
    search->best_rank = RANK_GLOB;
    search->best_key = key;
    search->best = value;
}

static void consider_helper(void *arg, const char *key, const struct json *value)
{
    if (json_text(value))
        consider(arg, key, value);
}

static bool has_text(const struct json *entry, const char *name)
{
    const char *text = json_text(json_member(entry, name));

    return text && *text;
}

/* Skips {}, which Docker writes for a registry whose password is in a helper. */
static void consider_auth(void *arg, const char *key, const struct json *value)
{
    static const char *const names[] = {"auth", "username", "password", "identitytoken",
                                        "registrytoken"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (has_text(value, names[i])) {
            consider(arg, key, value);
            consider_glob(arg, key, value);
            return;
        }
}

/* Returns the name of the helper; "" if there is none. */
static const char *helper_of(const struct json *root, const struct reference *reference)
{
    struct search search = {.reference = reference};
    const char *store = json_text(json_member(root, "credsStore"));

    json_each_member(json_member(root, "credHelpers"), consider_helper, &search);
    if (search.best)
        return json_text(search.best);
    return store ? store : "";
}

bool docker_config_set(struct secret *secret, const struct json *entry, const char *name,
                       struct error *err)
{
    const char *text = json_text(json_member(entry, name));

    return !text || !*text || secret_set(secret, text, strlen(text), err);
}

/* Parses "user:password". Some tools pad it with NULs before they encode it. */
static bool set_pair(struct credentials *credentials, const char *pair, size_t size,
                     struct error *err)
{
    const char *colon;

    while (size > 0 && pair[size - 1] == '\0')
        size--;
    colon = size > 0 ? memchr(pair, ':', size) : NULL;
    if (!colon || memchr(pair, '\0', size) || (colon == pair && size > 1))
        return error_set(err, ERROR_INVALID, "invalid \"auth\": expected user:password in base64");
    return secret_set(&credentials->username, pair, (size_t)(colon - pair), err) &&
           secret_set(&credentials->password, colon + 1, (size_t)(pair + size - colon - 1), err);
}

static bool decode_pair(struct credentials *credentials, const char *auth, struct error *err)
{
    CLEANUP(secret_buf_deinit) struct buf room = SECRET_BUF_INIT(DOCKER_CONFIG_BYTES_MAX + 4);
    size_t size;

    buf_append_str(&room, auth);
    buf_append_str(&room, "===");
    if (!buf_ok(&room, err))
        return false;
    if (!base64_decode(auth, room.data, &size))
        size = 0;
    return set_pair(credentials, room.data, size, err);
}

static bool read_auth(struct credentials *credentials, const struct json *entry, struct error *err)
{
    bool ok = has_text(entry, "auth")
                  ? decode_pair(credentials, json_text(json_member(entry, "auth")), err)
                  : docker_config_set(&credentials->username, entry, "username", err) &&
                        docker_config_set(&credentials->password, entry, "password", err);

    return ok && docker_config_set(&credentials->identity_token, entry, "identitytoken", err) &&
           docker_config_set(&credentials->registry_token, entry, "registrytoken", err);
}

/* The old .dockercfg is a table of entries without anything around it. */
static const struct json *entries_of(const struct json *root)
{
    const struct json *auths = json_member(root, "auths");

    return auths || json_member(root, "credHelpers") || json_member(root, "credsStore") ? auths
                                                                                        : root;
}

bool docker_config_find(const void *data, size_t size, const struct reference *reference,
                        struct credentials *credentials, char helper[CREDENTIAL_HELPER_BYTES],
                        struct error *err)
{
    CLEANUP(json_freep) struct json_document *document = json_parse(data, size, err);
    const struct json *root = json_root(document);
    struct search search = {.reference = reference};
    const char *name;

    helper[0] = '\0';
    if (!document) {
        err->code = err->code == ERROR_PROTOCOL ? ERROR_INVALID : err->code;
        return false;
    }
    if (!json_is_object(root))
        return error_set(err, ERROR_INVALID, "expected a JSON object");
    name = helper_of(root, reference);
    if (strlen(name) >= CREDENTIAL_HELPER_BYTES)
        return error_set(err, ERROR_INVALID, "name of a credential helper is longer than 64 bytes");
    if (*name) {
        strcpy(helper, name);
        return true;
    }
    json_each_member(entries_of(root), consider_auth, &search);
    return !search.best || read_auth(credentials, search.best, err) ||
           error_wrap(err, "%s", reference->host);
}
