/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /metrics: the metrics in the format that the client accepts, and counters of scrapes with
 * client_golang's names.
 *
 * A scrape is in flight until the kernel has its last byte or the client has closed the connection.
 * HEAD renders nothing and is not counted.
 */
#pragma once

#include "scheduler/scheduler.h"
#include "server/server.h"
#include "web/exposition/exposition.h"

struct scrape;

extern const struct metric_family scrape_families[];

struct scrape_options {
    struct board *board;
    struct exposition *exposition;
    struct scheduler *scheduler; /* NULL: no jobs run on scrapes */
    uint64_t max_requests;       /* concurrent; 0: no limit */
    bool openmetrics_2;
};

struct scrape *scrape_new(const struct scrape_options *options, struct error *err);
void scrape_free(struct scrape *scrape); /* after the server */
DEFINE_CLEANUP(struct scrape *, scrape_free)

/* Replies to a GET or HEAD. */
void scrape_answer(struct scrape *scrape, struct exchange *exchange);
