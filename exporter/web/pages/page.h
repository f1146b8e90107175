/* SPDX-License-Identifier: Apache-2.0 */
/* What all pages are rendered from. A page is a function that replies or defers; web.c has the
 * table of paths. */
#pragma once

#include "collector/board.h"
#include "collector/history.h"
#include "scheduler/reload.h"
#include "scheduler/scheduler.h"
#include "server/exchange_reply.h"
#include "server/exchange_request.h"

struct page_context {
    const char *telemetry_path; /* "/metrics" */
    const char *external_url;   /* "" or the URL that browsers use: links begin with its path */
    const char *route_prefix;   /* "" or "/prefix": all paths begin with it */
    const char *version;
    const char *node; /* the name of this node */
    /* The address of "containerd" or "docker"; "": not configured. "others": further sockets where
     * a containerd may listen. NULL: unknown. */
    void (*daemon_address)(const char *daemon, char *out, size_t out_size);
    int64_t timeout_offset_ns; /* a reply to /probe comes this long before the scraper's timeout */
    bool openmetrics_2;        /* experimental */
    const struct metric_family *const *tables; /* families of this floor; ends with NULL */
    struct board *board;
    struct scheduler *scheduler;
    struct reloader *reloader;
    struct history *history;
};

/* /config: the configuration in force without secrets, and the command line. */
void page_config(const struct page_context *context, struct exchange *exchange);

/* /history: recent runs of all probes or one, as HTML or JSON. */
void page_history(const struct page_context *context, struct exchange *exchange);

/* /metrics-help: the meaning of every metric, with an example query. */
void page_metrics_help(const struct page_context *context, struct exchange *exchange);
