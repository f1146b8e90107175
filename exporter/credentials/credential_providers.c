/* SPDX-License-Identifier: Apache-2.0 */
/* Rejects what the kubelet rejects, but ignores unknown keys: a newer kubelet may define them. */
#include "credentials/credential_providers.h"

#include "base/text.h"
#include "encoding/go_duration.h"
#include "encoding/yaml.h"
#include "os/file.h"
#include "os/rootfs.h"

#include <stdio.h>
#include <string.h>

#define FILES_MAX      100
#define PATH_BYTES_MAX 4096

struct config_parser {
    struct credential_providers *providers;
    struct arena *arena;
    struct problems *problems;
    uint64_t version;
};

static const struct yaml_node *member(const struct yaml_node *node, const char *name)
{
    const struct yaml_node *found = yaml_member(node, name, strlen(name));

    return found && !yaml_is_null(found) ? found : NULL;
}

/* Returns NULL and adds a problem unless the member is a text that is not empty. */
static const char *required_text(const struct config_parser *parser, const struct yaml_node *node,
                                 const char *name)
{
    const struct yaml_node *found = member(node, name);

    if (found && found->kind == YAML_SCALAR && *found->text)
        return arena_strdup(parser->arena, found->text);
    problems_add(parser->problems, found ? found->place : node->place,
                 "invalid \"%s\": expected a text", name);
    return NULL;
}

static bool is_one_of(const char *text, const char *group)
{
    static const char *const versions[] = {"v1", "v1beta1", "v1alpha1"};
    size_t size = strlen(group);

    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
        if (strncmp(text, group, size) == 0 && strcmp(text + size, versions[i]) == 0)
            return true;
    return false;
}

static void read_name(const struct config_parser *parser, const struct yaml_node *node,
                      struct credential_provider *provider)
{
    const char *name = provider->name = required_text(parser, node, "name");

    if (!name)
        return;
    if (strpbrk(name, "/ \t\r\n") || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        problems_add(parser->problems, node->place,
                     "invalid name \"%s\": expected the name of a program without a path", name);
    for (size_t i = 0; i < parser->providers->count; i++)
        if (parser->providers->items[i].name && strcmp(parser->providers->items[i].name, name) == 0)
            problems_add(parser->problems, node->place, "duplicate provider \"%s\"", name);
}

static void read_api_version(const struct config_parser *parser, const struct yaml_node *node,
                             struct credential_provider *provider)
{
    provider->api_version = required_text(parser, node, "apiVersion");
    if (provider->api_version &&
        !is_one_of(provider->api_version, "credentialprovider.kubelet.k8s.io/"))
        problems_add(parser->problems, node->place,
                     "invalid apiVersion \"%s\": expected credentialprovider.kubelet.k8s.io/v1, "
                     "v1beta1 or v1alpha1",
                     provider->api_version);
}

static void read_cache_duration(const struct config_parser *parser, const struct yaml_node *node,
                                struct credential_provider *provider)
{
    const char *text = required_text(parser, node, "defaultCacheDuration");
    struct error ignored;

    if (text && (!go_duration_ns(text, &provider->cache_ns, &ignored) || provider->cache_ns < 0))
        problems_add(parser->problems, node->place,
                     "invalid defaultCacheDuration \"%s\": expected a Go duration such as 10m",
                     text);
}

/* Returns "NAME=value" for {name: NAME, value: value}. */
static const char *read_variable(const struct config_parser *parser, const struct yaml_node *node)
{
    const char *name = required_text(parser, node, "name");
    const struct yaml_node *value = member(node, "value");
    const char *text = value && value->kind == YAML_SCALAR ? value->text : "";
    size_t size = (name ? strlen(name) : 0) + 1 + strlen(text) + 1;
    char *variable = arena_alloc(parser->arena, size);

    if (name && variable)
        snprintf(variable, size, "%s=%s", name, text);
    return variable ? variable : "";
}

static const char *read_word(const struct config_parser *parser, const struct yaml_node *node)
{
    if (node->kind == YAML_SCALAR)
        return arena_strdup(parser->arena, node->text);
    problems_add(parser->problems, node->place, "expected a text, found %s", yaml_describe(node));
    return "";
}

static const char *const *
read_list(const struct config_parser *parser, const struct yaml_node *node, const char *name,
          const char *(*read)(const struct config_parser *parser, const struct yaml_node *node))
{
    const struct yaml_node *list = member(node, name);
    size_t n = 0, count = list ? list->count : 0;
    const char **items = arena_alloc(parser->arena, (count + 1) * sizeof(*items));

    if (list && list->kind != YAML_SEQUENCE) {
        problems_add(parser->problems, list->place, "invalid \"%s\": expected a list", name);
        return items;
    }
    for (const struct yaml_node *at = list && items ? list->children : NULL; at; at = at->next)
        items[n++] = read(parser, at);
    return items;
}

static void read_provider(const struct config_parser *parser, const struct yaml_node *node)
{
    struct credential_provider provider = {.version = parser->version};
    const struct yaml_node *wants;

    read_name(parser, node, &provider);
    read_api_version(parser, node, &provider);
    read_cache_duration(parser, node, &provider);
    provider.match_images = read_list(parser, node, "matchImages", read_word);
    provider.args = read_list(parser, node, "args", read_word);
    provider.env = read_list(parser, node, "env", read_variable);
    wants = member(member(node, "tokenAttributes"), "requireServiceAccount");
    provider.wants_service_account =
        wants && wants->kind == YAML_SCALAR && strcmp(wants->text, "true") == 0;
    if (provider.match_images && !provider.match_images[0])
        problems_add(parser->problems, node->place,
                     "invalid \"matchImages\": expected at least one pattern");
    if (parser->providers->count == CREDENTIAL_PROVIDERS_MAX)
        problems_add(parser->problems, node->place, "more than %zu providers",
                     CREDENTIAL_PROVIDERS_MAX);
    else
        parser->providers->items[parser->providers->count++] = provider;
}

static void read_config(const struct config_parser *parser, const struct yaml_node *root)
{
    const char *version = required_text(parser, root, "apiVersion");
    const char *kind = required_text(parser, root, "kind");
    const struct yaml_node *providers = member(root, "providers");

    if (version && !is_one_of(version, "kubelet.config.k8s.io/"))
        problems_add(
            parser->problems, root->place,
            "invalid apiVersion \"%s\": expected kubelet.config.k8s.io/v1, v1beta1 or v1alpha1",
            version);
    if (kind && strcmp(kind, "CredentialProviderConfig") != 0)
        problems_add(parser->problems, root->place,
                     "invalid kind \"%s\": expected CredentialProviderConfig", kind);
    if (!providers || providers->kind != YAML_SEQUENCE || providers->count == 0) {
        problems_add(parser->problems, root->place,
                     "invalid \"providers\": expected a list of at least one provider");
        return;
    }
    for (const struct yaml_node *at = providers->children; at; at = at->next)
        read_provider(parser, at);
}

bool credential_providers_parse(struct credential_providers *providers, const char *data,
                                size_t size, struct arena *arena, struct error *err)
{
    struct problems problems = PROBLEMS_INIT(arena);
    const struct config_parser parser = {providers, arena, &problems,
                                         text_hash(TEXT_HASH_INIT, data)};
    const struct yaml_node *root = yaml_parse(arena, data, size, &problems);
    const struct problem *first = &problems.items[0];

    if (root)
        read_config(&parser, root);
    if (!arena_ok(arena, err))
        return false;
    return problems.count == 0 || error_set(err, ERROR_INVALID, "%zu:%zu: %s", first->place.line,
                                            first->place.column, first->message);
}

static bool load_file(struct credential_providers *providers, const char *path, struct arena *arena,
                      struct error *err)
{
    CLEANUP(buf_deinit) struct buf data = BUF_INIT(YAML_SIZE_MAX);

    if (!file_read(path, &data, err))
        return false;
    return credential_providers_parse(providers, data.data ? data.data : "", data.size, arena,
                                      err) ||
           error_wrap(err, "%s", path);
}

static int is_config(const struct dirent *entry)
{
    static const char *const endings[] = {".json", ".yaml", ".yml"};
    const char *dot = strrchr(entry->d_name, '.');

    for (size_t i = 0; dot && i < sizeof(endings) / sizeof(endings[0]); i++)
        if (strcmp(dot, endings[i]) == 0)
            return 1;
    return 0;
}

static bool load_files(struct credential_providers *providers, const char *directory,
                       struct dirent *const *entries, int count, struct arena *arena,
                       struct error *err)
{
    char path[PATH_BYTES_MAX];

    if (count == 0 || count > FILES_MAX)
        return error_set(err, ERROR_INVALID, "%s: %s", directory,
                         count == 0 ? "expected at least one .json, .yaml or .yml file"
                                    : "more than 100 configuration files");
    for (int i = 0; i < count; i++) {
        int n = snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);

        if (n < 0 || (size_t)n >= sizeof(path))
            return error_set(err, ERROR_INVALID, "%s: path too long", directory);
        if (!load_file(providers, path, arena, err))
            return false;
    }
    return true;
}

bool credential_providers_load(struct credential_providers *providers, const char *path,
                               struct arena *arena, struct error *err)
{
    struct dirent **entries = NULL;
    int count = rootfs_scan(path, &entries, is_config);
    bool ok;

    if (count < 0) /* a file, or something that file_read() reports */
        return load_file(providers, path, arena, err);
    ok = load_files(providers, path, entries, count, arena, err);
    rootfs_scan_free(entries, count);
    return ok;
}
