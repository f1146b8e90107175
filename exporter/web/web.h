/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is served: the metrics, pages for people, runs on demand, health, reload. A page is a row of
 * the table of routes in web.c.
 *
 * /metrics renders memory; nothing here waits for a peer. Health and readiness do
 * not depend on containerd: a node with a broken runtime must go on reporting it.
 */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "collector/board.h"
#include "collector/history.h"
#include "scheduler/reload.h"
#include "scheduler/scheduler.h"
#include "server/config/web_reload.h"
#include "server/server.h"
#include "web/exposition/exposition.h"

struct web;

/* What pages are made of: every one of them is told all of it. */
struct web_options {
    struct listeners *listeners; /* taken over */
    const char *telemetry_path;  /* "/metrics" */
    const char *external_url;    /* "" or how people reach this: links begin with its path */
    const char *route_prefix;    /* "" or "/prefix": what all paths begin with */
    const char *version;
    const char *node; /* whose exporter this is */
    /* Where "containerd" or "docker" is looked for, "": nowhere; NULL: nobody knows. */
    void (*daemon_address)(const char *daemon, char *out, size_t out_size);
    uint64_t max_requests;             /* scrapes at once; 0: as many as come */
    int64_t timeout_offset_ns;         /* that an answer is to come before the scraper's timeout */
    bool openmetrics_2;                /* experimental */
    struct web_reloader *web_reloader; /* NULL: no TLS, everybody may ask */
    const char *config_file;           /* of the probes; NULL: there is none */
    struct board *board;
    struct exposition *exposition;
    struct scheduler *scheduler;
    struct reloader *reloader;
    struct history *history;
};

/* `options` is copied, what it points to is not. */
struct web *web_start(const struct web_options *options, struct error *err);

/* Answers 503 to /-/ready from now on, accepts nobody any more, and sends what is under way. */
void web_drain(struct web *web);
void web_stop(struct web *web);
DEFINE_CLEANUP(struct web *, web_stop)

/* A page: replies, or defers. One file each; web.c has the table of paths. */
typedef void (*web_page)(const struct web_options *options, struct exchange *exchange);

#endif
