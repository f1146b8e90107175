/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread behind a collector's watch(): calls it again and again, and tells the
 * scheduler when it says that a run is worth having early. Where it cannot watch it
 * pauses, longer and longer. All calls get the same cancel.
 */
#ifndef SCHEDULER_WATCHER_H
#define SCHEDULER_WATCHER_H

#include "collector/collector.h"

struct watcher;

struct watcher_options {
    const char *name; /* of the job, for the log */
    const struct collector *collector;
    void *state;                /* of the job */
    void (*changed)(void *arg); /* in the watcher's thread */
    void *arg;
    int64_t pause_ns, pause_max_ns; /* after a failure; doubles from one to the next */
};

struct watcher *watcher_start(const struct watcher_options *options, struct error *err);

/* Tells it to end; does not wait. */
void watcher_cancel(struct watcher *watcher);

/* Cancels it and waits until it has ended. Its cancel lives on, for what watch() left in the
 * state: until watcher_free(), which comes after the collector's close(). */
void watcher_join(struct watcher *watcher);
void watcher_free(struct watcher *watcher);
DEFINE_CLEANUP(struct watcher *, watcher_free)

#endif
