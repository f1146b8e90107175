/* SPDX-License-Identifier: Apache-2.0 */
/* Strict about what the kubelet needs as well; a key that is unknown may be of a newer one. */
#include "credentials/credential_providers.h"

#include "base/text.h"
#include "encoding/go_duration.h"
#include "encoding/yaml.h"
#include "os/file.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define FILES_MAX      100
#define PATH_BYTES_MAX 4096

struct reading {
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

/* NULL, and a mistake, unless it is a text with something in it. */
static const char *required_text(const struct reading *reading, const struct yaml_node *node,
                                 const char *name)
{
    const struct yaml_node *found = member(node, name);

    if (found && found->kind == YAML_SCALAR && *found->text)
        return arena_strdup(reading->arena, found->text);
    problems_add(reading->problems, found ? found->place : node->place, "\"%s\" must be a text",
                 name);
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

static void read_name(const struct reading *reading, const struct yaml_node *node,
                      struct credential_provider *provider)
{
    const char *name = provider->name = required_text(reading, node, "name");

    if (!name)
        return;
    if (strpbrk(name, "/ \t\r\n") || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        problems_add(reading->problems, node->place, "\"%s\" is no name of a program", name);
    for (size_t i = 0; i < reading->providers->count; i++)
        if (reading->providers->items[i].name &&
            strcmp(reading->providers->items[i].name, name) == 0)
            problems_add(reading->problems, node->place, "provider \"%s\" is here twice", name);
}

static void read_api_version(const struct reading *reading, const struct yaml_node *node,
                             struct credential_provider *provider)
{
    provider->api_version = required_text(reading, node, "apiVersion");
    if (provider->api_version &&
        !is_one_of(provider->api_version, "credentialprovider.kubelet.k8s.io/"))
        problems_add(reading->problems, node->place, "apiVersion \"%s\" is not known",
                     provider->api_version);
}

static void read_cache_duration(const struct reading *reading, const struct yaml_node *node,
                                struct credential_provider *provider)
{
    const char *text = required_text(reading, node, "defaultCacheDuration");
    struct error ignored;

    if (text && (!go_duration_ns(text, &provider->cache_ns, &ignored) || provider->cache_ns < 0))
        problems_add(reading->problems, node->place, "defaultCacheDuration \"%s\" is no duration",
                     text);
}

/* "NAME=value" of {name: NAME, value: value}. */
static const char *read_variable(const struct reading *reading, const struct yaml_node *node)
{
    const char *name = required_text(reading, node, "name");
    const struct yaml_node *value = member(node, "value");
    const char *text = value && value->kind == YAML_SCALAR ? value->text : "";
    size_t size = (name ? strlen(name) : 0) + 1 + strlen(text) + 1;
    char *variable = arena_alloc(reading->arena, size);

    if (name && variable)
        snprintf(variable, size, "%s=%s", name, text);
    return variable ? variable : "";
}

static const char *read_word(const struct reading *reading, const struct yaml_node *node)
{
    if (node->kind == YAML_SCALAR)
        return arena_strdup(reading->arena, node->text);
    problems_add(reading->problems, node->place, "expected a text, found %s", yaml_describe(node));
    return "";
}

static const char *const *
read_list(const struct reading *reading, const struct yaml_node *node, const char *name,
          const char *(*read)(const struct reading *reading, const struct yaml_node *node))
{
    const struct yaml_node *list = member(node, name);
    size_t n = 0, count = list ? list->count : 0;
    const char **items = arena_alloc(reading->arena, (count + 1) * sizeof(*items));

    if (list && list->kind != YAML_SEQUENCE) {
        problems_add(reading->problems, list->place, "\"%s\" must be a list", name);
        return items;
    }
    for (const struct yaml_node *at = list && items ? list->children : NULL; at; at = at->next)
        items[n++] = read(reading, at);
    return items;
}

static void read_provider(const struct reading *reading, const struct yaml_node *node)
{
    struct credential_provider provider = {.version = reading->version};
    const struct yaml_node *wants;

    read_name(reading, node, &provider);
    read_api_version(reading, node, &provider);
    read_cache_duration(reading, node, &provider);
    provider.match_images = read_list(reading, node, "matchImages", read_word);
    provider.args = read_list(reading, node, "args", read_word);
    provider.env = read_list(reading, node, "env", read_variable);
    wants = member(member(node, "tokenAttributes"), "requireServiceAccount");
    provider.wants_service_account =
        wants && wants->kind == YAML_SCALAR && strcmp(wants->text, "true") == 0;
    if (provider.match_images && !provider.match_images[0])
        problems_add(reading->problems, node->place, "\"matchImages\" is empty");
    if (reading->providers->count == CREDENTIAL_PROVIDERS_MAX)
        problems_add(reading->problems, node->place, "more than %zu providers",
                     CREDENTIAL_PROVIDERS_MAX);
    else
        reading->providers->items[reading->providers->count++] = provider;
}

static void read_config(const struct reading *reading, const struct yaml_node *root)
{
    const char *version = required_text(reading, root, "apiVersion");
    const char *kind = required_text(reading, root, "kind");
    const struct yaml_node *providers = member(root, "providers");

    if (version && !is_one_of(version, "kubelet.config.k8s.io/"))
        problems_add(reading->problems, root->place, "apiVersion \"%s\" is not known", version);
    if (kind && strcmp(kind, "CredentialProviderConfig") != 0)
        problems_add(reading->problems, root->place, "kind \"%s\" is not CredentialProviderConfig",
                     kind);
    if (!providers || providers->kind != YAML_SEQUENCE || providers->count == 0) {
        problems_add(reading->problems, root->place, "\"providers\" must be a list");
        return;
    }
    for (const struct yaml_node *at = providers->children; at; at = at->next)
        read_provider(reading, at);
}

bool credential_providers_parse(struct credential_providers *providers, const char *data,
                                size_t size, struct arena *arena, struct error *err)
{
    struct problems problems = PROBLEMS_INIT(arena);
    const struct reading reading = {providers, arena, &problems, text_hash(TEXT_HASH_INIT, data)};
    const struct yaml_node *root = yaml_parse(arena, data, size, &problems);
    const struct problem *first = &problems.items[0];

    if (root)
        read_config(&reading, root);
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

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool load_files(struct credential_providers *providers, const char *directory,
                       struct dirent *const *entries, int count, struct arena *arena,
                       struct error *err)
{
    char path[PATH_BYTES_MAX];

    if (count == 0 || count > FILES_MAX)
        return error_set(err, ERROR_INVALID, "%s: %s", directory,
                         count == 0 ? "no .json, .yaml or .yml file" : "too many files");
    for (int i = 0; i < count; i++) {
        int n = snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);

        if (n < 0 || (size_t)n >= sizeof(path))
            return error_set(err, ERROR_INVALID, "%s: too long a path", directory);
        if (!load_file(providers, path, arena, err))
            return false;
    }
    return true;
}

bool credential_providers_load(struct credential_providers *providers, const char *path,
                               struct arena *arena, struct error *err)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_config, by_name);
    bool ok;

    if (count < 0) /* mostly because it is a file; if it is not, reading it tells */
        return load_file(providers, path, arena, err);
    ok = load_files(providers, path, entries, count, arena, err);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return ok;
}
