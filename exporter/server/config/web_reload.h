/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reloads the web configuration when its file, or a file that it names, changes, and applies it if
 * it is valid. After an invalid edit the old configuration stays in force; each mistake is logged
 * once, and containerd_exporter_web_config_last_reload_successful becomes 0.
 */
#pragma once

#include "collector/board.h"
#include "server/config/web_config.h"

extern const struct metric_family web_reload_families[];

struct web_reloader;

/* Functions accept a NULL reloader (no file is configured), except where they free it. */

/* Reads the file for the first time. Returns NULL and logs the mistakes if it is invalid. */
struct web_reloader *web_reloader_new(const char *path, struct board *board, struct error *err);
void web_reloader_free(struct web_reloader *reloader);
DEFINE_CLEANUP(struct web_reloader *, web_reloader_free)

/* The configuration in force. Valid until the next call with the same reloader. */
struct web_config *web_reloader_config(const struct web_reloader *reloader);

/* Sets the function that applies later configurations. The two functions below call it on the
 * caller's thread, with a lock held, so calls do not overlap. */
void web_reloader_attach(struct web_reloader *reloader,
                         bool (*apply)(void *arg, struct web_config *config, struct error *err),
                         void *arg);

/* Reads the file, changed or not, and logs the result. Appends the mistakes to `problems`, a line
 * for each, unless that is NULL. Thread-safe. */
bool web_reloader_reload(struct web_reloader *reloader, struct buf *problems, struct error *err);

/* To be called about every second. Reads the file if it has changed, and waits until it is the same
 * in two calls (debounce: a certificate and its key are written one after the other). */
void web_reloader_check(struct web_reloader *reloader);
