/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/credential_plugin.h"

#include "base/text.h"
#include "credentials/credential_providers.h"
#include "credentials/docker_config.h"
#include "credentials/image_pattern.h"
#include "encoding/go_duration.h"
#include "encoding/json.h"
#include "os/process.h"
#include "os/rootfs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_BYTES_MAX ((size_t)64 << 10)
#define CONFIG_BYTES_MAX ((size_t)16 << 20) /* nodes of all files */
#define KEY_BYTES_MAX    ((size_t)8 << 10)
#define WORDS_BYTES_MAX  ((size_t)1 << 20)
#define HUB_KEY          "index.docker.io"

static const char *const scope_names[CREDENTIAL_SCOPES] = {"Image", "Registry", "Global"};

/* ---- response ---- */

/* Normalizes a key of "auth" like the kubelet: without scheme, leading "/v1" or "/v2", and bare
 * "/". */
static const char *normal_key(const char *key, struct arena *arena)
{
    const char *host = text_starts_with(key, "https://")  ? key + 8
                       : text_starts_with(key, "http://") ? key + 7
                                                          : key;
    size_t host_size = strcspn(host, "/");
    const char *path = host + host_size;
    char *normal;

    if (text_starts_with(path, "/v1/") || text_starts_with(path, "/v2/"))
        path += 3;
    if (strcmp(path, "/") == 0)
        path++;
    normal = arena_alloc(arena, host_size + strlen(path) + 1);
    if (!normal)
        return NULL;
    memcpy(normal, host, host_size);
    strcpy(normal + host_size, path);
    return normal;
}

struct search {
    const char *image;
    struct arena *arena;
    const char *best_key;
    const struct json *best, *hub;
};

/* The kubelet tries the keys in descending order. */
static void consider_entry(void *arg, const char *name, const struct json *value)
{
    struct search *search = arg;
    const char *key = normal_key(name, search->arena);

    if (!key)
        return;
    if (strcmp(key, HUB_KEY) == 0)
        search->hub = value;
    if (!image_pattern_matches(key, search->image) ||
        (search->best_key && strcmp(key, search->best_key) <= 0))
        return;
    search->best_key = key;
    search->best = value;
}

static bool read_auth(const struct json *auth, const char *image, struct credentials *credentials,
                      struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ANSWER_BYTES_MAX);
    struct search search = {.image = image, .arena = &arena};
    bool is_hub = text_starts_with(image, "docker.io/") || text_starts_with(image, HUB_KEY "/");

    json_each_member(auth, consider_entry, &search);
    if (!arena_ok(&arena, err))
        return false;
    if (!search.best && is_hub)
        search.best = search.hub;
    return docker_config_set(&credentials->username, search.best, "username", err) &&
           docker_config_set(&credentials->password, search.best, "password", err);
}

static bool read_scope(const struct json *root, enum credential_scope *scope)
{
    const char *name = json_text(json_member(root, "cacheKeyType"));

    for (size_t i = 0; name && i < CREDENTIAL_SCOPES; i++)
        if (strcmp(name, scope_names[i]) == 0) {
            *scope = (enum credential_scope)i;
            return true;
        }
    return false;
}

static bool is_text(const struct json *root, const char *name, const char *want)
{
    const char *text = json_text(json_member(root, name));

    return text && strcmp(text, want) == 0;
}

bool credential_answer_read(const void *data, size_t size, const char *api_version,
                            const char *image, struct credential_answer *answer,
                            struct credentials *credentials, struct error *err)
{
    CLEANUP(json_freep) struct json_document *document = json_parse(data, size, err);
    const struct json *root = json_root(document);
    const struct json *duration = json_member(root, "cacheDuration");

    *answer = (struct credential_answer){0};
    if (!document) {
        err->code = err->code == ERROR_PROTOCOL ? ERROR_INVALID : err->code;
        return error_wrap(err, "response");
    }
    if (!is_text(root, "kind", "CredentialProviderResponse"))
        return error_set(err, ERROR_INVALID,
                         "invalid kind in the response: expected CredentialProviderResponse");
    if (!is_text(root, "apiVersion", api_version))
        return error_set(err, ERROR_INVALID, "invalid apiVersion in the response: expected %s",
                         api_version);
    if (!read_scope(root, &answer->scope))
        return error_set(
            err, ERROR_INVALID,
            "invalid cacheKeyType in the response: expected Image, Registry or Global");
    answer->has_duration = duration && !json_is_null(duration);
    if (answer->has_duration &&
        (!json_text(duration) || !go_duration_ns(json_text(duration), &answer->cache_ns, err)))
        return error_set(
            err, ERROR_INVALID,
            "invalid cacheDuration in the response: expected a Go duration such as 10m");
    return read_auth(json_member(root, "auth"), image, credentials, err);
}

/* ---- request ---- */

struct plugin_query {
    const char *bin_dir;
    const char *image; /* "host/repository" */
    struct credential_cache *cache;
};

static bool is_responsible(const struct credential_provider *provider, const char *image)
{
    for (const char *const *at = provider->match_images; *at; at++)
        if (image_pattern_matches(*at, image))
            return true;
    return false;
}

/* Contains everything that determines the response, so an edited configuration misses the cache. */
static bool cache_key(const struct plugin_query *query, const struct credential_provider *provider,
                      enum credential_scope scope, struct buf *key)
{
    size_t sizes[CREDENTIAL_SCOPES] = {strlen(query->image), strcspn(query->image, "/"), 0};
    struct error unused;

    buf_clear(key);
    buf_printf(key, "%s/%s %016" PRIx64 " %s %.*s", query->bin_dir, provider->name,
               provider->version, scope_names[scope], (int)sizes[scope], query->image);
    return buf_ok(key, &unused);
}

static bool read_cache(const struct plugin_query *query, const struct credential_provider *provider,
                       struct buf *answer)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(KEY_BYTES_MAX);

    for (size_t i = 0; query->cache && i < CREDENTIAL_SCOPES; i++)
        if (cache_key(query, provider, (enum credential_scope)i, &key) &&
            credential_cache_get(query->cache, key.data, answer))
            return true;
    return false;
}

static void store(const struct plugin_query *query, const struct credential_provider *provider,
                  const struct credential_answer *answer, const char *text)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT(KEY_BYTES_MAX);
    int64_t cache_ns = answer->has_duration ? answer->cache_ns : provider->cache_ns;
    int64_t now_ns = clock_now_ns();

    if (!query->cache || cache_ns <= 0 || !cache_key(query, provider, answer->scope, &key))
        return;
    credential_cache_put(query->cache, key.data, text,
                         cache_ns < INT64_MAX - now_ns ? now_ns + cache_ns : INT64_MAX);
}

/* Returns the path of the provider's program, in `arena`; NULL if that has failed. */
static const char *program_of(const struct credential_provider *provider, const char *bin_dir,
                              struct arena *arena)
{
    size_t size = strlen(bin_dir) + 1 + strlen(provider->name) + 1;
    char *program = arena_alloc(arena, size);

    if (!program)
        return NULL;
    snprintf(program, size, "%s/%s", bin_dir, provider->name);
    return rootfs_join_or_own(program, arena);
}

/* Returns the program and its arguments, in `arena`. */
static const char **build_argv(const struct credential_provider *provider, const char *bin_dir,
                               struct arena *arena)
{
    const char **argv, *program = program_of(provider, bin_dir, arena);
    size_t count = 1;

    while (provider->args[count - 1])
        count++;
    argv = arena_alloc(arena, (count + 1) * sizeof(*argv));
    if (!program || !argv)
        return NULL;
    argv[0] = program;
    for (size_t i = 1; i < count; i++)
        argv[i] = provider->args[i - 1];
    return argv;
}

static bool run(const struct plugin_query *query, const struct credential_provider *provider,
                struct buf *answer, struct cancel *cancel, struct error *err)
{
    CLEANUP(buf_deinit) struct buf input = BUF_INIT(PROCESS_INPUT_MAX);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(WORDS_BYTES_MAX);
    struct process_call call = {.env = provider->env, .timeout_ns = CREDENTIALS_WAIT_NS};

    buf_printf(&input, "{\"apiVersion\":\"%s\",\"kind\":\"CredentialProviderRequest\",\"image\":",
               provider->api_version);
    json_quote(&input, query->image);
    buf_append_char(&input, '}');
    call.argv = build_argv(provider, query->bin_dir, &arena);
    if (!call.argv || !buf_ok(&input, err))
        return arena_ok(&arena, err) && buf_ok(&input, err);
    call.input = input.data;
    call.input_bytes = input.size;
    if (process_run(&call, answer, NULL, cancel, err))
        return true;
    if (err->code == ERROR_INTERNAL || err->code == ERROR_LIMIT)
        err->code = ERROR_INVALID;
    return false;
}

static bool query_provider(const struct plugin_query *query,
                           const struct credential_provider *provider,
                           struct credentials *credentials, struct cancel *cancel,
                           struct error *err)
{
    CLEANUP(secret_buf_deinit) struct buf text = SECRET_BUF_INIT(ANSWER_BYTES_MAX);
    struct credential_answer answer;
    bool cached;

    if (provider->wants_service_account)
        return error_set(
            err, ERROR_INVALID,
            "requires a service account token of a pod, which the exporter does not have");
    cached = read_cache(query, provider, &text);
    if (!cached && !run(query, provider, &text, cancel, err))
        return false;
    if (!credential_answer_read(text.data, text.size, provider->api_version, query->image, &answer,
                                credentials, err))
        return false;
    if (!cached)
        store(query, provider, &answer, text.data);
    return true;
}

static bool run_all(const struct plugin_query *query, const struct credential_providers *providers,
                    struct credentials *credentials, struct cancel *cancel, struct error *err)
{
    struct error first = {.code = ERROR_NONE}, failed;

    for (size_t i = 0; i < providers->count; i++) {
        const struct credential_provider *provider = &providers->items[i];

        if (!is_responsible(provider, query->image))
            continue;
        if (query_provider(query, provider, credentials, cancel, &failed)) {
            if (credentials_any(credentials))
                return true;
            continue;
        }
        credentials_deinit(credentials);
        error_wrap(&failed, "credential provider %s", provider->name);
        if (first.code == ERROR_NONE)
            first = failed;
        if (!cancel_check(cancel, &failed))
            break;
    }
    if (first.code == ERROR_NONE)
        return true;
    *err = first;
    return false;
}

/* The caller frees *providers, also on failure. */
static bool load(const char *config, struct credential_providers **providers, struct arena *arena,
                 struct error *err)
{
    const char *here = rootfs_join_or_own(config, arena);

    *providers = calloc(1, sizeof(**providers));
    if (!*providers)
        return error_memory(err);
    return here ? credential_providers_load(*providers, here, arena, err) : arena_ok(arena, err);
}

bool credential_plugin_check(const char *config, const char *bin_dir, const char **key,
                             struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(CONFIG_BYTES_MAX);
    CLEANUP(freep) struct credential_providers *providers = NULL;
    struct stat status;

    *key = "credential_provider.config";
    if (!load(config, &providers, &arena, err))
        return false;
    *key = "credential_provider.bin_dir";
    for (size_t i = 0; i < providers->count; i++) {
        const char *program = program_of(&providers->items[i], bin_dir, &arena);

        if (program && rootfs_stat(program, &status) != 0)
            return error_set(err, ERROR_INVALID, "%s: %s", program, strerror(errno));
        if (program && (!S_ISREG(status.st_mode) || !(status.st_mode & 0111)))
            return error_set(err, ERROR_INVALID, "%s: expected a program", program);
    }
    return arena_ok(&arena, err);
}

bool credential_plugin_find(const char *config, const char *bin_dir,
                            const struct reference *reference, struct credential_cache *cache,
                            struct credentials *credentials, struct cancel *cancel,
                            struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(CONFIG_BYTES_MAX);
    CLEANUP(buf_deinit) struct buf image = BUF_INIT(PROCESS_INPUT_MAX);
    CLEANUP(freep) struct credential_providers *providers = NULL;
    struct plugin_query query = {.bin_dir = bin_dir, .cache = cache};

    buf_printf(&image, "%s/%s", reference->host, reference->repository);
    if (!buf_ok(&image, err) || !load(config, &providers, &arena, err))
        return false;
    query.image = image.data;
    return run_all(&query, providers, credentials, cancel, err);
}
