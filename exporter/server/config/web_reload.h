/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the web configuration in force the one of the file: reads it again when it, or a
 * certificate that it names, was changed, and hands it over if it is good. A bad edit changes
 * nothing: it is logged line by line, once, and
 * containerd_exporter_web_config_last_reload_successful named_locks 0.
 */
#ifndef SERVER_CONFIG_WEB_RELOAD_H
#define SERVER_CONFIG_WEB_RELOAD_H

#include "collector/board.h"
#include "server/config/web_config.h"

extern const struct metric_family web_reload_families[];

struct web_reloader;

/* Where a reloader is NULL there is no file, and nothing ever changes. */

/* Reads the file for the first time: NULL, with its mistakes logged, if it is not good. */
struct web_reloader *web_reloader_new(const char *path, struct board *board, struct error *err);
void web_reloader_free(struct web_reloader *reloader);
DEFINE_CLEANUP(struct web_reloader *, web_reloader_free)

/* What is in force: for who starts to serve. Valid until the next call with the same reloader. */
struct web_config *web_reloader_config(const struct web_reloader *reloader);

/* What others are handed over to, from now on; called by whoever calls one of the two below, one
 * after the other. */
void web_reloader_attach(struct web_reloader *reloader,
                         bool (*apply)(void *arg, struct web_config *config, struct error *err),
                         void *arg);

/* Reads the file, changed or not; tells the log of it, too. From any thread. */
bool web_reloader_reload(struct web_reloader *reloader, struct error *err);

/* To be called every second or so: reads the file if it was changed, and has not changed again
 * since the last call (who writes a certificate has its key still to write). */
void web_reloader_check(struct web_reloader *reloader);

#endif
