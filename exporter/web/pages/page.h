/* SPDX-License-Identifier: Apache-2.0 */
/* What all pages are rendered from. A page is a function that replies or defers; web.c has the
 * table of paths. */
#ifndef WEB_PAGES_PAGE_H
#define WEB_PAGES_PAGE_H

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
    /* The address of "containerd" or "docker"; "": not configured. NULL: unknown. */
    void (*daemon_address)(const char *daemon, char *out, size_t out_size);
    int64_t timeout_offset_ns; /* a reply to /probe comes this long before the scraper's timeout */
    bool openmetrics_2;        /* experimental */
    const struct metric_family *const *tables; /* families of this floor; ends with NULL */
    struct board *board;
    struct scheduler *scheduler;
    struct reloader *reloader;
    struct history *history;
};

#endif
