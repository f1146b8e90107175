/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/credential_sources.h"

#include "credentials/credential_helper.h"
#include "credentials/credential_plugin.h"
#include "credentials/docker_config.h"
#include "os/file.h"
#include "os/rootfs.h"

#include <string.h>

#define SECRET_FILE_BYTES_MAX ((size_t)64 << 10)
#define PATHS_BYTES_MAX       ((size_t)16 << 10)

/* A secret that the configuration holds itself or names a file of. */
struct slot {
    const char *name, *file_name; /* of the two settings */
    const char *text, *file;
    struct secret *secret;
};

enum {
    USERNAME,
    PASSWORD,
    IDENTITY_TOKEN,
    REGISTRY_TOKEN,
    SLOTS,
};

struct slots {
    struct slot items[SLOTS];
};

static bool is_set(const char *text)
{
    return text && *text;
}

static bool has(const struct slot *slot)
{
    return is_set(slot->text) || is_set(slot->file);
}

static struct slots slots_of(const struct credentials_settings *settings, struct credentials *to)
{
    return (struct slots){{
        {"auth.username", "auth.username_file", settings->username, settings->username_file,
         &to->username},
        {"auth.password", "auth.password_file", settings->password, settings->password_file,
         &to->password},
        {"auth.identity_token", "auth.identity_token_file", settings->identity_token,
         settings->identity_token_file, &to->identity_token},
        {"auth.registry_token", "auth.registry_token_file", settings->registry_token,
         settings->registry_token_file, &to->registry_token},
    }};
}

bool credentials_configured(const struct credentials_settings *settings)
{
    struct credentials unused = {0};
    const struct slots slots = slots_of(settings, &unused);
    bool any = is_set(settings->docker_config) || is_set(settings->provider_config) ||
               is_set(settings->provider_bin_dir);

    for (size_t i = 0; i < SLOTS; i++)
        any = any || has(&slots.items[i]);
    return any;
}

static bool blame(const struct slot *slot, const char **key)
{
    *key = is_set(slot->file) ? slot->file_name : slot->name;
    return false;
}

static bool check_slots(const struct slot *slots, const char **key, struct error *err)
{
    const struct slot *kind = NULL; /* the first slot after the username that is set */

    for (int i = 0; i < SLOTS; i++) {
        const struct slot *slot = &slots[i];

        if (is_set(slot->text) && is_set(slot->file)) {
            error_set(err, ERROR_INVALID, "%s is also set: expected only one of the two",
                      slot->name);
            return blame(slot, key);
        }
        if (i == USERNAME || !has(slot))
            continue;
        if (kind) {
            error_set(err, ERROR_INVALID, "%s is also set: expected only one of the two",
                      kind->name);
            return blame(slot, key);
        }
        kind = slot;
    }
    if (has(&slots[PASSWORD]) && !has(&slots[USERNAME])) {
        error_set(err, ERROR_INVALID, "a password without a user: expected auth.username");
        return blame(&slots[PASSWORD], key);
    }
    if (has(&slots[USERNAME]) && !has(&slots[PASSWORD]) && !has(&slots[IDENTITY_TOKEN])) {
        error_set(err, ERROR_INVALID,
                  "a username alone: expected auth.password or auth.identity_token");
        return blame(&slots[USERNAME], key);
    }
    return true;
}

bool credentials_check(const struct credentials_settings *settings, const char **key,
                       struct error *err)
{
    struct credentials unused;
    struct slots slots = slots_of(settings, &unused);

    if (!check_slots(slots.items, key, err))
        return false;
    if (is_set(settings->provider_config) == is_set(settings->provider_bin_dir))
        return true;
    *key = is_set(settings->provider_config) ? "credential_provider.config"
                                             : "credential_provider.bin_dir";
    return error_set(err, ERROR_INVALID, "%s is missing",
                     is_set(settings->provider_config) ? "credential_provider.bin_dir"
                                                       : "credential_provider.config");
}

/* Editors end a file with a line break: it is not part of the secret. */
static bool read_secret_file(const struct slot *slot, struct error *err)
{
    CLEANUP(secret_buf_deinit) struct buf data = SECRET_BUF_INIT(SECRET_FILE_BYTES_MAX);
    size_t size;

    if (!file_read(slot->file, &data, err))
        return false;
    for (size = data.size; size > 0 && strchr("\r\n", data.data[size - 1]); size--)
        ;
    if (size == 0 || memchr(data.data, '\0', size))
        return error_set(err, ERROR_INVALID, "%s %s", slot->file,
                         size == 0 ? "is empty" : "holds a NUL");
    return secret_set(slot->secret, data.data, size, err);
}

static bool from_settings(const struct slot *slots, struct credentials *credentials,
                          struct error *err)
{
    credentials->source = "auth";
    for (int i = 0; i < SLOTS; i++) {
        const struct slot *slot = &slots[i];

        if (is_set(slot->file) && !read_secret_file(slot, err))
            return error_wrap(err, "%s", slot->file_name);
        if (!is_set(slot->file) && is_set(slot->text) &&
            !secret_set(slot->secret, slot->text, strlen(slot->text), err))
            return false;
    }
    return true;
}

/* Fills `helper`, else empties it and may fill `credentials`. */
static bool read_docker_config(const char *path, const struct reference *reference,
                               struct credentials *credentials,
                               char helper[CREDENTIAL_HELPER_BYTES], struct error *err)
{
    CLEANUP(secret_buf_deinit) struct buf data = SECRET_BUF_INIT(DOCKER_CONFIG_BYTES_MAX);
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(PATHS_BYTES_MAX);

    path = rootfs_join_or_own(path, &arena);
    if (!path)
        return arena_ok(&arena, err);
    return file_read(path, &data, err) &&
           (docker_config_find(data.data ? data.data : "", data.size, reference, credentials,
                               helper, err) ||
            error_wrap(err, "%s", path));
}

static bool from_docker_config(const char *path, const struct reference *reference,
                               struct credentials *credentials, struct cancel *cancel,
                               struct error *err)
{
    char helper[CREDENTIAL_HELPER_BYTES];

    credentials->source = "docker_config";
    if (!read_docker_config(path, reference, credentials, helper, err))
        return error_wrap(err, "docker_config");
    if (!helper[0])
        return true;
    credentials->source = "credential helper";
    return credential_helper_get(helper, docker_config_server(reference), credentials, cancel, err);
}

static bool find(const struct credentials_settings *settings, const struct reference *reference,
                 struct credential_cache *cache, struct credentials *credentials,
                 struct cancel *cancel, struct error *err)
{
    struct slots slots = slots_of(settings, credentials);

    for (int i = 0; i < SLOTS; i++)
        if (has(&slots.items[i]))
            return from_settings(slots.items, credentials, err);
    if (is_set(settings->docker_config)) {
        credentials->searched = settings->docker_config;
        return from_docker_config(settings->docker_config, reference, credentials, cancel, err);
    }
    if (!is_set(settings->provider_config))
        return true;
    credentials->searched = settings->provider_config;
    if (!credential_plugin_find(settings->provider_config, settings->provider_bin_dir, reference,
                                cache, credentials, cancel, err))
        return false;
    credentials->source = "credential provider";
    return true;
}

bool credentials_find(const struct credentials_settings *settings,
                      const struct reference *reference, struct credential_cache *cache,
                      struct credentials *credentials, struct cancel *cancel, struct error *err)
{
    *credentials = (struct credentials){.source = NULL};
    if (!find(settings, reference, cache, credentials, cancel, err)) {
        credentials_deinit(credentials);
        return false;
    }
    if (!credentials_any(credentials))
        credentials_deinit(credentials);
    return true;
}

void credentials_check_files(const struct credentials_settings *settings,
                             const struct reference *reference,
                             void (*report)(void *arg, const char *key, const struct error *err),
                             void *arg)
{
    CLEANUP(credentials_deinit) struct credentials found = {0};
    const struct slots slots = slots_of(settings, &found);
    char helper[CREDENTIAL_HELPER_BYTES];
    struct error err;
    const char *key;

    for (int i = 0; i < SLOTS; i++)
        if (is_set(slots.items[i].file) && !read_secret_file(&slots.items[i], &err))
            report(arg, slots.items[i].file_name, &err);
    if (is_set(settings->docker_config) &&
        !read_docker_config(settings->docker_config, reference, &found, helper, &err))
        report(arg, "docker_config", &err);
    if (is_set(settings->provider_config) &&
        !credential_plugin_check(settings->provider_config, settings->provider_bin_dir, &key, &err))
        report(arg, key, &err);
}
