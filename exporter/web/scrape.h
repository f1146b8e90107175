/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where Prometheus comes: the page of metrics in the format that it asks for, and what is counted
 * about that under client_golang's names.
 *
 * A scrape is in flight until its last byte was handed to the system or its client is gone. HEAD
 * costs nothing and is not counted.
 */
#ifndef WEB_SCRAPE_H
#define WEB_SCRAPE_H

#include "scheduler/scheduler.h"
#include "server/server.h"
#include "web/exposition/exposition.h"

struct scrape;

extern const struct metric_family scrape_families[];

struct scrape_options {
    struct board *board;
    struct exposition *exposition;
    struct scheduler *scheduler; /* NULL: no job belongs to the scrape */
    uint64_t max_requests;       /* at once; 0: as many as come */
    bool openmetrics_2;
};

struct scrape *scrape_new(const struct scrape_options *options, struct error *err);
void scrape_free(struct scrape *scrape); /* after the server */
DEFINE_CLEANUP(struct scrape *, scrape_free)

/* Replies to a GET or HEAD. */
void scrape_answer(struct scrape *scrape, struct exchange *exchange);

#endif
