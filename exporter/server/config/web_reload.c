/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config/web_reload.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "encoding/problems.h"

#include <string.h>

#define PROBLEMS_LIMIT_BYTES ((size_t)256 << 10)
#define STATUS_LIMIT_BYTES   ((size_t)4 << 10)

enum {
    SUCCESSFUL,
    SUCCESS_TIMESTAMP,
};

const struct metric_family web_reload_families[] = {
    [SUCCESSFUL] = {METRIC_GAUGE, "containerd_exporter_web_config_last_reload_successful",
                    "Whether the last reload of the web configuration file succeeded."},
    [SUCCESS_TIMESTAMP] = {METRIC_GAUGE,
                           "containerd_exporter_web_config_last_reload_success_timestamp_seconds",
                           "Time when the web configuration in force was read."},
    {0},
};

struct web_reloader {
    char *path;
    bool (*apply)(void *arg, struct web_config *config, struct error *err);
    void *arg;
    pthread_mutex_t lock;
    struct board_slot *slot;
    struct web_config *config;
    uint64_t stamp;      /* of the files behind `config` */
    uint64_t seen_stamp; /* at the last check */
    bool ok;
    double last_success;
    uint64_t logged_mistakes; /* hash of the last mistakes logged; 0: none */
};

static void post_status(struct web_reloader *reloader)
{
    CLEANUP(snapshot_unrefp)
    struct snapshot *status = snapshot_new(web_reload_families, STATUS_LIMIT_BYTES);

    if (!status)
        return;
    snapshot_add(status, SUCCESSFUL, reloader->ok);
    snapshot_add(status, SUCCESS_TIMESTAMP, reloader->last_success);
    board_post(reloader->slot, status);
}

/* An invalid file is read at each check, because its mistake may be in a file that the
 * configuration in force does not name. The same mistakes are logged once. */
static void log_mistakes(struct web_reloader *reloader, const struct buf *problems,
                         const struct error *err)
{
    uint64_t mistakes = text_hash(TEXT_HASH_INIT, problems->data ? problems->data : err->message);

    if (mistakes == reloader->logged_mistakes)
        return;
    reloader->logged_mistakes = mistakes;
    problems_log(problems);
    log_error("reload of the web configuration failed, the old one stays in force: %s",
              err->message);
}

/* Takes the stamp between two readings, so that the next check notices a change during the second.
 */
static struct web_config *load(const struct web_reloader *reloader, uint64_t *stamp,
                               struct buf *problems, struct error *err)
{
    CLEANUP(web_config_unrefp)
    struct web_config *first = web_config_load(reloader->path, problems, err);

    if (!first)
        return NULL;
    *stamp = web_config_stamp(reloader->path, first);
    return web_config_load(reloader->path, problems, err);
}

static bool load_and_apply(struct web_reloader *reloader, struct buf *problems, struct error *err)
{
    CLEANUP(web_config_unrefp) struct web_config *config = NULL;
    uint64_t stamp;

    config = load(reloader, &stamp, problems, err);
    if (!config || (reloader->apply && !reloader->apply(reloader->arg, config, err)))
        return false;
    if (reloader->config)
        web_config_unref(reloader->config);
    reloader->config = TAKE(config);
    reloader->stamp = reloader->seen_stamp = stamp;
    reloader->last_success = clock_unix_seconds();
    reloader->logged_mistakes = 0;
    return true;
}

struct web_reloader *web_reloader_new(const char *path, struct board *board, struct error *err)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(PROBLEMS_LIMIT_BYTES);
    CLEANUP(web_reloader_freep) struct web_reloader *reloader = calloc(1, sizeof(*reloader));

    if (!reloader) {
        error_memory(err);
        return NULL;
    }
    pthread_mutex_init(&reloader->lock, NULL);
    reloader->path = strdup(path);
    reloader->slot = board_add(board, NULL);
    if (!reloader->path || !reloader->slot) {
        error_memory(err);
        return NULL;
    }
    if (!load_and_apply(reloader, &problems, err)) {
        problems_log(&problems);
        return NULL;
    }
    reloader->ok = true;
    post_status(reloader);
    return TAKE(reloader);
}

void web_reloader_free(struct web_reloader *reloader)
{
    if (reloader->slot)
        board_remove(reloader->slot);
    if (reloader->config)
        web_config_unref(reloader->config);
    pthread_mutex_destroy(&reloader->lock);
    free(reloader->path);
    free(reloader);
}

struct web_config *web_reloader_config(const struct web_reloader *reloader)
{
    return reloader ? reloader->config : NULL;
}

void web_reloader_attach(struct web_reloader *reloader,
                         bool (*apply)(void *arg, struct web_config *config, struct error *err),
                         void *arg)
{
    if (!reloader)
        return;
    LOCK_SCOPE(&reloader->lock);
    reloader->apply = apply;
    reloader->arg = arg;
}

/* Called with the lock held. */
static bool reload(struct web_reloader *reloader, struct buf *out, struct error *err)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(PROBLEMS_LIMIT_BYTES);
    bool was_ok = reloader->ok;

    reloader->ok = load_and_apply(reloader, &problems, err);
    if (reloader->ok)
        log_info("reloaded the web configuration");
    else
        log_mistakes(reloader, &problems, err);
    if (out)
        buf_append(out, problems.data, problems.size);
    if (reloader->ok || was_ok)
        post_status(reloader);
    return reloader->ok;
}

bool web_reloader_reload(struct web_reloader *reloader, struct buf *problems, struct error *err)
{
    if (!reloader)
        return true;
    LOCK_SCOPE(&reloader->lock);
    reloader->logged_mistakes = 0; /* an explicit reload always logs */
    return reload(reloader, problems, err);
}

void web_reloader_check(struct web_reloader *reloader)
{
    struct error err;
    uint64_t stamp;

    if (!reloader)
        return;
    LOCK_SCOPE(&reloader->lock);
    stamp = web_config_stamp(reloader->path, reloader->config);
    if (stamp != reloader->seen_stamp)
        reloader->seen_stamp = stamp;
    else if (stamp != reloader->stamp || !reloader->ok)
        (void)reload(reloader, NULL, &err); /* it logs the error */
}
