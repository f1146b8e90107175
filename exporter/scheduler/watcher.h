/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that calls a collector's watch() repeatedly and reports each change.
 *
 * After a failure it waits, with exponential back-off. All calls get the same cancel.
 */
#pragma once

#include "collector/collector.h"

struct watcher;

struct watcher_options {
    const char *name; /* of the job, for the log */
    const struct collector *collector;
    void *state;                /* of the job */
    void (*changed)(void *arg); /* called by the watcher's thread */
    void *arg;
    int64_t pause_ns, pause_max_ns; /* back-off after a failure: first and maximum */
};

struct watcher *watcher_start(const struct watcher_options *options, struct error *err);

/* Stops the thread; does not wait for it. */
void watcher_cancel(struct watcher *watcher);

/* Stops the thread and waits for its end. The cancel stays valid until watcher_free(), because the
 * state may refer to it until the collector's close(). */
void watcher_join(struct watcher *watcher);
void watcher_free(struct watcher *watcher);
DEFINE_CLEANUP(struct watcher *, watcher_free)
