/* SPDX-License-Identifier: Apache-2.0 */
/* A node for the tests of pages: its board, its history, its probes, and the status page of them.
 */
#ifndef TESTS_PAGES_FIXTURE_H
#define TESTS_PAGES_FIXTURE_H

#include "web/pages/status/page_status.h"

#define NODE_LIMIT_BYTES ((size_t)8 << 20)

/* Families of node->snapshot. */
enum {
    INFO,
    SUCCESS,
    LAST_ATTEMPT,
    LAST_SUCCESS,
    LAST_SECONDS,
    UP,
    HEALTHY,
    VERSION,
    IMAGES,
    IMAGE_STATUS,
    IMAGE_BLOBS,
    IMAGE_SINCE,
    BAD_BLOBS,
    BAD_IMAGE,
    PLUGIN,
    CONTENT,
    SNAPSHOTS,
    HELD,
    COLLECTOR,
    FAILURE,
    CONDITION,
    RELOADED,
    DOCKER_UP,
    DOCKER_INFO,
    DOCKER_IMAGES,
    NAMESPACES,
    CONTAINERS,
    LEASES,
    EXPIRED_LEASES,
    INGESTS,
    CRI,
    SANDBOX,
    SANDBOX_PRESENT,
    DEPRECATIONS,
    START_TIME,
    RELOAD_TIME,
    RATE_LIMIT,
    RATE_REMAINING,
    CERTIFICATE,
    CONTENT_UNIQUE,
};

#define NODE_NOW 1764000000.0 /* 2025-11-24T16:00:00Z: the time of the page */

struct node {
    struct board *board;
    struct board_slot *slot;
    struct snapshot *snapshot;
    struct history *history;
    struct page_context context;
    struct status status;
    double now;
    unsigned runs; /* added so far */
};

void node_init(struct node *node);
void node_deinit(struct node *node);
void node_probe(struct node *node, const char *name);
/* Adds a run that ended `ago` seconds ago. Runs must be added in the order of time. */
void node_run(struct node *node, const char *probe, double ago, double seconds,
              enum error_code reason, const char *message, bool slow);
/* Posts the snapshot and joins board and history, as status_init() and status_join() do. */
void node_join(struct node *node);
/* Appends the status page of a joined node. */
void node_page(struct node *node, uint64_t number, struct buf *out);

#endif
