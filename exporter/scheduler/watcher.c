/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduler/watcher.h"

#include "base/clock.h"
#include "base/log.h"

/* Longer than any process runs: a hundred years. */
#define NEVER_NS (INT64_C(100) * 365 * 86400 * NS_PER_SECOND)

struct watcher {
    struct watcher_options options;
    struct cancel cancel;
    pthread_mutex_t lock;
    pthread_cond_t stopped;
    bool stopping;
    bool joined;
    pthread_t thread;
};

static bool stopping(struct watcher *watcher)
{
    LOCK_SCOPE(&watcher->lock);

    return watcher->stopping;
}

static void pause_for(struct watcher *watcher, int64_t pause_ns)
{
    struct timespec until = clock_timespec(clock_now_ns() + pause_ns);
    LOCK_SCOPE(&watcher->lock);

    while (!watcher->stopping &&
           pthread_cond_clockwait(&watcher->stopped, &watcher->lock, CLOCK_MONOTONIC, &until) == 0)
        continue;
}

/* Failures are logged at debug level only, because the runs of the collector report them, too. */
static void *watch(void *arg)
{
    struct watcher *watcher = arg;
    const struct watcher_options *options = &watcher->options;
    int64_t pause_ns = options->pause_ns;
    struct error err;

    while (!stopping(watcher)) {
        if (options->collector->watch(options->state, &watcher->cancel, &err)) {
            options->changed(options->arg);
            pause_ns = options->pause_ns;
            continue;
        }
        if (stopping(watcher))
            break;
        log_debug("collector %s cannot watch, reason %s: %s", options->name,
                  error_code_name(err.code), err.message);
        pause_for(watcher, pause_ns);
        pause_ns = pause_ns * 2 < options->pause_max_ns ? pause_ns * 2 : options->pause_max_ns;
    }
    return NULL;
}

struct watcher *watcher_start(const struct watcher_options *options, struct error *err)
{
    struct watcher *watcher = calloc(1, sizeof(*watcher));
    int r;

    if (!watcher) {
        error_memory(err);
        return NULL;
    }
    watcher->options = *options;
    cancel_init(&watcher->cancel, clock_now_ns() + NEVER_NS);
    pthread_mutex_init(&watcher->lock, NULL);
    pthread_cond_init(&watcher->stopped, NULL);
    r = pthread_create(&watcher->thread, NULL, watch, watcher);
    if (r == 0)
        return watcher;
    watcher->joined = true;
    watcher_free(watcher);
    error_errno(err, r, "cannot start a thread");
    return NULL;
}

void watcher_cancel(struct watcher *watcher)
{
    pthread_mutex_lock(&watcher->lock);
    watcher->stopping = true;
    pthread_cond_signal(&watcher->stopped);
    pthread_mutex_unlock(&watcher->lock);
    cancel_now(&watcher->cancel);
}

void watcher_join(struct watcher *watcher)
{
    watcher_cancel(watcher);
    if (!watcher->joined)
        pthread_join(watcher->thread, NULL);
    watcher->joined = true;
}

void watcher_free(struct watcher *watcher)
{
    watcher_join(watcher);
    pthread_cond_destroy(&watcher->stopped);
    pthread_mutex_destroy(&watcher->lock);
    cancel_deinit(&watcher->cancel);
    free(watcher);
}
