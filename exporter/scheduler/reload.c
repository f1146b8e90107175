/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduler/reload.h"

#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "encoding/problems.h"
#include "scheduler/scheduler_view.h"

#include <string.h>

#define PROBLEMS_LIMIT_BYTES ((size_t)256 << 10)
#define STATUS_LIMIT_BYTES   ((size_t)4 << 10)

enum {
    SUCCESSFUL,
    SUCCESS_TIMESTAMP,
    WARNINGS,
};

const struct metric_family reload_families[] = {
    [SUCCESSFUL] = {METRIC_GAUGE, "containerd_exporter_config_last_reload_successful",
                    "Whether the last reload of the configuration file succeeded."},
    [SUCCESS_TIMESTAMP] = {METRIC_GAUGE,
                           "containerd_exporter_config_last_reload_success_timestamp_seconds",
                           "Time when the configuration in force was read."},
    [WARNINGS] = {METRIC_GAUGE, "containerd_exporter_config_warnings",
                  "Warnings about the configuration in force; the log and the status page name "
                  "them."},
    {0},
};

struct reloader {
    struct reload_options options;
    pthread_mutex_t lock;
    struct board_slot *slot;
    struct node *node;
    char *globals_fingerprint; /* of the sections that `node` was created from */
    double last_success;
    uint64_t stamp;            /* of the file, just before it was read */
    pthread_mutex_t text_lock; /* of config_dump; `lock` is held during a whole reload */
    struct buf config_dump;    /* the sections without a job */
    struct buf disabled, disabled_dump, warnings; /* as in struct config */
    size_t n_warnings;
};

struct reloader *reloader_new(const struct reload_options *options, struct error *err)
{
    struct reloader *reloader = calloc(1, sizeof(*reloader));

    if (!reloader) {
        error_memory(err);
        return NULL;
    }
    reloader->options = *options;
    pthread_mutex_init(&reloader->lock, NULL);
    pthread_mutex_init(&reloader->text_lock, NULL);
    reloader->slot = board_add(options->board, NULL);
    if (!reloader->slot) {
        reloader_free(reloader);
        error_memory(err);
        return NULL;
    }
    return reloader;
}

void reloader_free(struct reloader *reloader)
{
    if (reloader->node)
        reloader->options.free_node(reloader->node);
    if (reloader->slot)
        board_remove(reloader->slot);
    free(reloader->globals_fingerprint);
    buf_deinit(&reloader->config_dump);
    buf_deinit(&reloader->disabled);
    buf_deinit(&reloader->disabled_dump);
    buf_deinit(&reloader->warnings);
    pthread_mutex_destroy(&reloader->text_lock);
    pthread_mutex_destroy(&reloader->lock);
    free(reloader);
}

static void post_status(struct reloader *reloader, bool ok)
{
    CLEANUP(snapshot_unrefp)
    struct snapshot *status = snapshot_new(reload_families, STATUS_LIMIT_BYTES);

    if (!status)
        return;
    if (ok)
        reloader->last_success = clock_unix_seconds();
    snapshot_add(status, SUCCESSFUL, ok);
    if (reloader->last_success > 0) {
        snapshot_add(status, SUCCESS_TIMESTAMP, reloader->last_success);
        snapshot_add(status, WARNINGS, (double)reloader->n_warnings);
    }
    board_post(reloader->slot, status);
}

/* Applies the jobs with their node. On failure the old node stays in use. */
static bool apply(struct reloader *reloader, struct config *config, struct error *err)
{
    bool same =
        reloader->node && strcmp(reloader->globals_fingerprint, config->globals_fingerprint) == 0;
    struct node *node = reloader->node;
    CLEANUP(freep) char *fingerprint = strdup(config->globals_fingerprint);

    if (!fingerprint)
        return error_memory(err);
    if (!same && !(node = reloader->options.make_node(config->globals, err)))
        return false;
    if (!scheduler_apply(reloader->options.scheduler, config, node, err)) {
        if (!same)
            reloader->options.free_node(node);
        return false;
    }
    if (same) {
        if (reloader->options.refresh_node)
            reloader->options.refresh_node(node);
        return true;
    }
    if (reloader->node)
        reloader->options.free_node(reloader->node); /* no job uses it any more */
    reloader->node = node;
    free(reloader->globals_fingerprint);
    reloader->globals_fingerprint = TAKE(fingerprint);
    return true;
}

static void copy(struct buf *out, const struct buf *from)
{
    buf_append(out, from->data, from->size);
}

static void move(struct buf *to, struct buf *from)
{
    buf_deinit(to);
    *to = *from;
    *from = (struct buf){0};
}

static void keep_texts(struct reloader *reloader, struct config *config)
{
    LOCK_SCOPE(&reloader->text_lock);

    move(&reloader->config_dump, &config->config_dump);
    move(&reloader->disabled, &config->disabled);
    move(&reloader->disabled_dump, &config->disabled_dump);
    move(&reloader->warnings, &config->warnings);
    reloader->n_warnings = config->n_warnings;
}

static void log_remarks(const struct config *config)
{
    const char *line = config->disabled.data;

    for (; line && *line; line += strcspn(line, "\n") + 1)
        log_info("probe %.*s is disabled", (int)strcspn(line, "\n"), line);
    for (line = config->warnings.data; line && *line; line += strcspn(line, "\n") + 1)
        log_warn("%.*s", (int)strcspn(line, "\n"), line);
}

static bool load_and_apply(struct reloader *reloader, struct buf *mistakes, struct error *err)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(PROBLEMS_LIMIT_BYTES);
    struct config config;
    bool ok;

    if (!config_load(&config, reloader->options.schema, reloader->options.path, &problems, err)) {
        problems_log(&problems);
        if (mistakes)
            copy(mistakes, &problems);
        return false;
    }
    ok = apply(reloader, &config, err);
    if (ok) {
        log_remarks(&config);
        keep_texts(reloader, &config);
    }
    config_deinit(&config);
    return ok;
}

bool reloader_reload(struct reloader *reloader, struct buf *problems, struct error *err)
{
    bool ok;
    LOCK_SCOPE(&reloader->lock);

    reloader->stamp = reloader->options.path ? config_stamp(reloader->options.path) : 0;
    ok = load_and_apply(reloader, problems, err);
    post_status(reloader, ok);
    return ok;
}

void reloader_config(struct reloader *reloader, struct buf *out)
{
    LOCK_SCOPE(&reloader->text_lock);

    copy(out, &reloader->config_dump);
    scheduler_config(reloader->options.scheduler, out);
    copy(out, &reloader->disabled_dump);
}

void reloader_remarks(struct reloader *reloader, struct buf *warnings, struct buf *disabled)
{
    LOCK_SCOPE(&reloader->text_lock);

    copy(warnings, &reloader->warnings);
    copy(disabled, &reloader->disabled);
}

bool reloader_changed(struct reloader *reloader)
{
    bool changed;

    if (!reloader->options.path || pthread_mutex_trylock(&reloader->lock) != 0)
        return false;
    changed = config_stamp(reloader->options.path) != reloader->stamp;
    pthread_mutex_unlock(&reloader->lock);
    return changed;
}
