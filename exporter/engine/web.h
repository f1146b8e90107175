/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP side: /metrics, /-/healthy, /-/ready, /-/reload and a landing page.
 *
 * /metrics renders memory; nothing here waits for a peer. Health and readiness do
 * not depend on containerd: a node with a broken runtime must go on reporting it.
 * The only file that knows libmicrohttpd is web.c.
 */
#ifndef ENGINE_WEB_H
#define ENGINE_WEB_H

#include "engine/board.h"
#include "engine/reload.h"
#include "engine/scheduler.h"

struct web;

struct web_options {
    const char *const *addresses; /* as listen_open() takes them */
    size_t n_addresses;
    const char *telemetry_path; /* "/metrics" */
    const char *version;
    struct board *board;
    struct scheduler *scheduler;
    struct reloader *reloader;
};

/* `options` is copied, what it points to is not. */
struct web *web_start(const struct web_options *options, struct error *err);

/* Answers 503 to /-/ready from now on, so that nobody sends more. */
void web_drain(struct web *web);
void web_stop(struct web *web);
DEFINE_CLEANUP(struct web *, web_stop)

#endif
