/* SPDX-License-Identifier: Apache-2.0 */
/* tls_server_config: certificates, keys and rules for client certificates. */
#include "server/config/web_config_private.h"

#include "base/secret.h"
#include "os/file.h"
#include "server/config/tls.h"

#include <string.h>

#define SECTION         "tls_server_config"
#define PEM_LIMIT_BYTES ((size_t)1 << 20)

/* A PEM text: one key holds it, or another key names its file. */
struct source {
    const char *name, *file_name; /* of the keys */
    const char *text, *file;      /* their values */
    bool (*check)(const char *pem, struct error *err);
};

static const char *path_of(const struct web_config_reading *reading, const char *file)
{
    const char *slash = strrchr(reading->path, '/');
    size_t size = slash ? (size_t)(slash + 1 - reading->path) : 0;
    char *path;

    if (file[0] == '/' || size == 0)
        return arena_strdup(reading->arena, file);
    path = arena_alloc(reading->arena, size + strlen(file) + 1);
    if (path) {
        memcpy(path, reading->path, size);
        strcpy(path + size, file);
    }
    return path;
}

static const char *read_pem(struct web_config_reading *reading, const struct source *source)
{
    CLEANUP(secret_buf_deinit) struct buf data = SECRET_BUF_INIT(PEM_LIMIT_BYTES);
    const char *path = path_of(reading, source->file);
    struct error err;
    size_t i = 0;

    if (!path)
        return NULL; /* finish() reports a full arena */
    while (reading->files[i])
        i++;
    reading->files[i] = path;
    if (!file_read(path, &data, &err))
        web_config_reject(reading, source->file_name, "%s", err.message);
    else if (data.size == 0 || memchr(data.data, '\0', data.size))
        web_config_reject(reading, source->file_name, "invalid file %s: expected PEM", path);
    else
        return arena_strndup(reading->arena, data.data, data.size);
    return NULL;
}

/* Returns NULL if it is absent, or after a reported mistake. */
static const char *find_pem(struct web_config_reading *reading, const struct source *source)
{
    const char *name = *source->file ? source->file_name : source->name;
    const char *pem = source->text;
    struct error err;

    if (web_config_written(reading, source->name) && web_config_written(reading, source->file_name))
        web_config_reject(reading, source->file_name, "conflicts with \"%s\": expected one of them",
                          source->name);
    if (*source->file)
        pem = read_pem(reading, source);
    if (!pem || !*pem)
        return NULL;
    if (source->check(pem, &err))
        return pem;
    web_config_reject(reading, name, "%s", err.message);
    return NULL;
}

static void require(const struct web_config_reading *reading, const struct source *source)
{
    const struct yaml_node *section = settings_find(reading->root, SECTION);

    if (!web_config_written(reading, source->name) &&
        !web_config_written(reading, source->file_name))
        problems_add(reading->problems, settings_place(section), "missing one of \"%s\" and \"%s\"",
                     source->name + strlen(SECTION "."), source->file_name + strlen(SECTION "."));
}

static void read_pair(struct web_config_reading *reading)
{
    const struct web_config_keys *keys = &reading->keys;
    const struct source certificate = {SECTION ".cert", SECTION ".cert_file", keys->cert,
                                       keys->cert_file, tls_check_certificate};
    const struct source key = {SECTION ".key", SECTION ".key_file", keys->key, keys->key_file,
                               tls_check_key};
    struct web_config *config = reading->config;
    struct error err;

    require(reading, &certificate);
    require(reading, &key);
    config->certificate = find_pem(reading, &certificate);
    config->key = find_pem(reading, &key);
    if (config->certificate && config->key &&
        !tls_check_pair(config->certificate, config->key, &err))
        web_config_reject(reading, *keys->key_file ? key.file_name : key.name, "%s", err.message);
}

/* A copy that ends with NULL. */
static const char *const *copy_list(struct arena *arena, const struct setting_list *list)
{
    const char **copy = arena_alloc(arena, (list->count + 1) * sizeof(*copy));

    if (copy)
        memcpy(copy, list->items, list->count * sizeof(*copy));
    return copy;
}

static void read_sans(struct web_config_reading *reading)
{
    static const char name[] = SECTION ".client_allowed_sans";
    const struct setting_list *sans = &reading->keys.client_allowed_sans;
    const struct yaml_node *node = settings_find(reading->root, name);

    if (!node || yaml_is_null(node))
        return;
    if (node->kind == YAML_SEQUENCE && node->count == 0)
        web_config_reject(reading, name, "found an empty list, which would reject every client");
    else if (reading->keys.client_auth < CLIENT_AUTH_VERIFY_IF_GIVEN)
        web_config_reject(reading, name,
                          "names need verification: expected \"client_auth_type\" "
                          "VerifyClientCertIfGiven or RequireAndVerifyClientCert");
    else if (sans->count > 0)
        reading->config->client_allowed_sans = copy_list(reading->arena, sans);
}

static void read_clients(struct web_config_reading *reading)
{
    const struct web_config_keys *keys = &reading->keys;
    const struct source authority = {SECTION ".client_ca", SECTION ".client_ca_file",
                                     keys->client_ca, keys->client_ca_file, tls_check_authority};
    const char *name =
        web_config_written(reading, authority.file_name) ? authority.file_name : authority.name;

    reading->config->client_auth = keys->client_auth;
    reading->config->client_ca = find_pem(reading, &authority);
    if (web_config_written(reading, name) &&
        !web_config_written(reading, SECTION ".client_auth_type"))
        web_config_reject(
            reading, name,
            "missing key \"client_auth_type\": without it no client certificate is requested");
    else if (web_config_written(reading, name) && keys->client_auth == CLIENT_AUTH_NONE)
        web_config_reject(
            reading, name,
            "\"client_auth_type\" is NoClientCert: no client certificate is requested");
    read_sans(reading);
}

/* Empty values count as absent, because templates write them. */
static bool is_configured(const struct web_config_reading *reading)
{
    const struct yaml_node *section = settings_find(reading->root, SECTION);
    const struct yaml_node *at =
        section && section->kind == YAML_MAPPING ? section->children : NULL;

    while (at && at->kind == YAML_SCALAR && !*at->text)
        at = at->next;
    return at;
}

void web_config_read_tls(struct web_config_reading *reading)
{
    reading->config->tls = is_configured(reading);
    if (!reading->config->tls)
        return;
    read_pair(reading);
    read_clients(reading);
    web_config_read_priorities(reading);
}
