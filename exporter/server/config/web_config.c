/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the whole file, lets each part read its section, and owns the results. */
#include "server/config/web_config.h"

#include "base/secret.h"
#include "base/text.h"
#include "os/file.h"
#include "server/config/tls.h"
#include "server/config/web_config_private.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NODES_LIMIT_BYTES  ((size_t)16 << 20)
#define CONFIG_LIMIT_BYTES ((size_t)8 << 20) /* three PEM texts, and the file's own texts */

struct web_config_parts {
    struct arena arena;
    const char *files[WEB_CONFIG_FILES_MAX + 1];
    atomic_uint references;
};

static struct web_config *new_config(struct error *err)
{
    struct web_config *config = calloc(1, sizeof(*config));
    struct web_config_parts *parts = calloc(1, sizeof(*parts));

    if (!config || !parts) {
        free(config);
        free(parts);
        error_memory(err);
        return NULL;
    }
    parts->arena = (struct arena)SECRET_ARENA_INIT(CONFIG_LIMIT_BYTES);
    atomic_init(&parts->references, 1);
    config->parts_ = parts;
    return config;
}

struct web_config *web_config_ref(struct web_config *config)
{
    atomic_fetch_add_explicit(&config->parts_->references, 1, memory_order_relaxed);
    return config;
}

void web_config_unref(struct web_config *config)
{
    struct web_config_parts *parts = config->parts_;

    if (atomic_fetch_sub_explicit(&parts->references, 1, memory_order_acq_rel) != 1)
        return;
    if (config->ready)
        tls_free(config->ready);
    arena_deinit(&parts->arena);
    free(parts);
    free(config);
}

static void read_parts(struct web_config_reading *reading)
{
    web_config_keys_read(reading);
    web_config_read_tls(reading);
    web_config_read_headers(reading);
    web_config_read_users(reading);
    web_config_read_rate_limit(reading);
    reading->config->open_health = reading->keys.open_health;
}

/* Reports failures that belong to no key: a full arena, or a rejection by GnuTLS. */
static void finish(struct web_config_reading *reading, const struct arena *nodes)
{
    struct web_config *config = reading->config;
    struct error err;

    if (!arena_ok(nodes, &err) || !arena_ok(reading->arena, &err))
        problems_add(reading->problems, reading->root->place, "%s", err.message);
    if (!config->tls || problems_total(reading->problems) > 0)
        return;
    config->ready = tls_new(config, &err);
    if (!config->ready)
        web_config_reject(reading, "tls_server_config", "%s", err.message);
}

struct web_config *web_config_parse(const char *path, const char *data, size_t size,
                                    struct buf *problems, struct error *err)
{
    CLEANUP(web_config_unrefp) struct web_config *config = new_config(err);
    CLEANUP(arena_deinit) struct arena nodes = SECRET_ARENA_INIT(NODES_LIMIT_BYTES);
    struct problems found = PROBLEMS_INIT(&nodes);
    struct web_config_reading reading = {.path = path, .problems = &found, .config = config};
    size_t n;

    if (!config)
        return NULL;
    reading.arena = &config->parts_->arena;
    reading.files = config->parts_->files;
    reading.root = yaml_parse(&nodes, data, size, &found);
    if (reading.root && reading.root->kind != YAML_BROKEN) {
        read_parts(&reading);
        finish(&reading, &nodes);
    }
    n = problems_total(&found);
    if (n == 0)
        return TAKE(config);
    problems_print(&found, path, problems);
    error_set(err, ERROR_INVALID, "%zu mistake%s in %s", n, n == 1 ? "" : "s", path);
    return NULL;
}

struct web_config *web_config_load(const char *path, struct buf *problems, struct error *err)
{
    CLEANUP(secret_buf_deinit) struct buf data = SECRET_BUF_INIT(YAML_SIZE_MAX);

    if (file_read(path, &data, err))
        return web_config_parse(path, data.data ? data.data : "", data.size, problems, err);
    return NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_list(const char *const *a, const char *const *b)
{
    if (!a || !b)
        return a == b;
    while (*a && *b && strcmp(*a, *b) == 0)
        a++, b++;
    return !*a && !*b;
}

bool web_config_requires_certificate(const struct web_config *config)
{
    return config->tls && (config->client_auth == CLIENT_AUTH_REQUIRE_ANY ||
                           config->client_auth == CLIENT_AUTH_REQUIRE_AND_VERIFY);
}

bool web_config_same_tls(const struct web_config *a, const struct web_config *b)
{
    if (!a || !b || !a->tls || !b->tls)
        return (a && a->tls) == (b && b->tls);
    return same_text(a->certificate, b->certificate) && same_text(a->key, b->key) &&
           same_text(a->client_ca, b->client_ca) && a->client_auth == b->client_auth &&
           (a->open_health == b->open_health || !web_config_requires_certificate(a)) &&
           same_list(a->client_allowed_sans, b->client_allowed_sans) &&
           same_text(a->priorities, b->priorities) &&
           same_text(a->suite_priorities, b->suite_priorities);
}

static uint64_t add_stamp(uint64_t stamp, const char *path)
{
    struct stat status;
    char text[128];

    if (stat(path, &status) != 0)
        snprintf(text, sizeof(text), "error %d", errno);
    else
        snprintf(text, sizeof(text), "%ju %ju %jd %jd.%09ld %jd.%09ld", (uintmax_t)status.st_dev,
                 (uintmax_t)status.st_ino, (intmax_t)status.st_size,
                 (intmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
                 (intmax_t)status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
    return text_hash(text_hash(stamp, path), text);
}

uint64_t web_config_stamp(const char *path, const struct web_config *config)
{
    uint64_t stamp = add_stamp(TEXT_HASH_INIT, path);

    for (size_t i = 0; config && config->parts_->files[i]; i++)
        stamp = add_stamp(stamp, config->parts_->files[i]);
    return stamp;
}
