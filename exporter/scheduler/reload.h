/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the configuration file and makes it the one in force; the start is the
 * first reload. A file with a mistake changes nothing: it is logged line by line,
 * and containerd_exporter_config_last_reload_successful named_locks 0.
 */
#ifndef SCHEDULER_RELOAD_H
#define SCHEDULER_RELOAD_H

#include "scheduler/scheduler.h"

extern const struct metric_family reload_families[];

struct reloader;

struct reload_options {
    const char *path; /* NULL: no file, only defaults */
    const struct config_schema *schema;
    struct scheduler *scheduler;
    struct board *board;
    /* What all jobs share depends on the global sections; made anew when these change. */
    struct node *(*make_node)(const void *globals, struct error *err);
    void (*free_node)(struct node *node);
};

/* `options` is copied. */
struct reloader *reloader_new(const struct reload_options *options, struct error *err);

/* After scheduler_free(): its jobs use what is freed here. */
void reloader_free(struct reloader *reloader);
DEFINE_CLEANUP(struct reloader *, reloader_free)

/* From any thread; one after the other. */
bool reloader_reload(struct reloader *reloader, struct error *err) MUST_CHECK;

/* Appends the configuration that is in force, as config/config_dump.h shows it: a file that would
 * mean the same, but for its secrets and its documents of canary-checker, which are the probes that
 * they came to. From any thread. */
void reloader_config(struct reloader *reloader, struct buf *out);

/* Whether the file was written or replaced since it was read last; false where there is none, or
 * where it is just being read. Does not wait. */
bool reloader_changed(struct reloader *reloader);

#endif
