/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes: metrics, pages for people, runs on demand, health, reload. web.c has the table.
 *
 * /metrics renders from memory; no route waits for a peer. Health and readiness do not depend on
 * containerd: the exporter must keep reporting a node with a broken runtime.
 */
#pragma once

#include "server/config/web_reload.h"
#include "server/listen.h"
#include "web/exposition/exposition.h"
#include "web/pages/page.h"

struct web;

/* Families of this floor, which scheduler/metric_catalog.h does not know; ends with NULL. */
extern const struct metric_family *const web_tables[];

struct web_options {
    struct listeners *listeners;       /* taken over */
    uint64_t max_requests;             /* concurrent scrapes; 0: no limit */
    struct web_reloader *web_reloader; /* NULL: no TLS, no authentication */
    struct exposition *exposition;
    struct page_context page; /* `tables` is filled in by web_start() */
};

/* Copies `options`; what it points to must outlive the result. */
struct web *web_start(const struct web_options *options, struct error *err);

/* Graceful shutdown: /-/ready answers 503, no new connections, pending replies are sent. */
void web_drain(struct web *web);
void web_stop(struct web *web);
DEFINE_CLEANUP(struct web *, web_stop)
