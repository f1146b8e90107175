/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and applies the configuration file; the start is the first reload.
 *
 * A file with a mistake changes nothing: every mistake is logged, and
 * containerd_exporter_config_last_reload_successful becomes 0. Each reload logs the warnings.
 */
#pragma once

#include "scheduler/scheduler.h"

extern const struct metric_family reload_families[];

struct reloader;

struct reload_options {
    const char *path; /* NULL: no file, only defaults */
    const struct config_schema *schema;
    struct scheduler *scheduler;
    struct board *board;
    /* Create and free the node, which depends on the global sections and is replaced when these
     * change. */
    struct node *(*make_node)(const void *globals, struct error *err);
    void (*free_node)(struct node *node);
    /* Called for a node that a reload keeps, because its sections did not change. NULL: unused. */
    void (*refresh_node)(struct node *node);
};

/* `options` is copied. */
struct reloader *reloader_new(const struct reload_options *options, struct error *err);

/* Must be called after scheduler_free(), because the jobs use the node. */
void reloader_free(struct reloader *reloader);
DEFINE_CLEANUP(struct reloader *, reloader_free)

/* Thread-safe; concurrent reloads run one after the other. Appends the mistakes of the file to
 * `problems`, a line for each, unless that is NULL. */
bool reloader_reload(struct reloader *reloader, struct buf *problems, struct error *err) MUST_CHECK;

/* Appends the configuration in force, as config/config_dump.h prints it: an equivalent file,
 * without secrets, and with probes in place of canary-checker's documents. Thread-safe. */
void reloader_config(struct reloader *reloader, struct buf *out);

/* Appends the warnings about the configuration in force and the names of its disabled probes, one a
 * line. Thread-safe. */
void reloader_remarks(struct reloader *reloader, struct buf *warnings, struct buf *disabled);

/* Returns whether the file has changed since it was read; false without a file or during a reload.
 * Never blocks. */
bool reloader_changed(struct reloader *reloader);
