/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node made by hand: what its board and its history say, its probes, and an exchange without a
 * server, so that a page can be asked for and read. Include cmocka.h first.
 */
#ifndef TESTS_PAGES_FIXTURE_H
#define TESTS_PAGES_FIXTURE_H

#include "base/clock.h"
#include "web/pages/pages.h"
#include "web/pages/status.h"

#include <stdio.h>
#include <string.h>

#define NODE_LIMIT_BYTES ((size_t)8 << 20)
#define P                "probe", "operation", "engine", "registry"

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
    CONDITION,
    RELOADED,
    DOCKER_UP,
};

static const struct metric_family node_families[] = {
    [INFO] = {METRIC_INFO, "image_canary_info", "", {P, "image", "platform"}},
    [SUCCESS] = {METRIC_GAUGE, "image_canary_success", "", {P}},
    [LAST_ATTEMPT] = {METRIC_GAUGE, "image_canary_last_attempt_timestamp_seconds", "", {P}},
    [LAST_SUCCESS] = {METRIC_GAUGE, "image_canary_last_success_timestamp_seconds", "", {P}},
    [LAST_SECONDS] = {METRIC_GAUGE, "image_canary_last_duration_seconds", "", {P}},
    [UP] = {METRIC_GAUGE, "containerd_up", ""},
    [HEALTHY] = {METRIC_GAUGE, "containerd_healthy", ""},
    [VERSION] = {METRIC_INFO, "containerd_info", "", {"version", "revision", "uuid"}},
    [IMAGES] = {METRIC_GAUGE, "containerd_images", "", {"namespace", "status", "unpacked"}},
    [IMAGE_STATUS] = {METRIC_GAUGE,
                      "containerd_image_status",
                      "",
                      {"namespace", "image", "status"}},
    [IMAGE_BLOBS] = {METRIC_GAUGE, "containerd_image_blobs", "", {"namespace", "image", "state"}},
    [IMAGE_SINCE] = {METRIC_GAUGE,
                     "containerd_image_not_complete_since_timestamp_seconds",
                     "",
                     {"namespace", "image"}},
    [BAD_BLOBS] = {METRIC_GAUGE, "containerd_content_bad_blobs", "", {"kind"}},
    [BAD_IMAGE] = {METRIC_INFO,
                   "containerd_content_bad_image_info",
                   "",
                   {"namespace", "image", "digest", "kind"}},
    [PLUGIN] = {METRIC_GAUGE, "containerd_plugin_status", "", {"type", "id", "status"}},
    [CONTENT] = {METRIC_GAUGE, "containerd_content_bytes", "", {"namespace"}},
    [SNAPSHOTS] = {METRIC_GAUGE, "containerd_snapshot_bytes", "", {"namespace", "snapshotter"}},
    [HELD] = {METRIC_GAUGE, "image_registry_held_seconds", "", {"registry"}},
    [COLLECTOR] = {METRIC_GAUGE, "containerd_exporter_collector_success", "", {"collector"}},
    [CONDITION] = {METRIC_GAUGE, "containerd_cri_condition", "", {"type"}},
    [RELOADED] = {METRIC_GAUGE, "containerd_exporter_config_last_reload_successful", ""},
    [DOCKER_UP] = {METRIC_GAUGE, "docker_engine_up", ""},
    {0},
};

#undef P

struct node {
    struct board *board;
    struct board_slot *slot;
    struct snapshot *snapshot;
    struct history *history;
    struct web_options options;
    struct status status;
    double now;
    unsigned runs; /* that it had */
};

static inline void node_init(struct node *node)
{
    struct error err;

    *node = (struct node){.now = clock_unix_seconds()};
    node->board = board_new();
    node->slot = board_add(node->board, NULL);
    node->snapshot = snapshot_new(node_families, NODE_LIMIT_BYTES);
    node->history = history_new(100, NODE_LIMIT_BYTES, &err);
    node->options = (struct web_options){.telemetry_path = "/metrics",
                                         .external_url = "",
                                         .route_prefix = "",
                                         .version = "1.2.3",
                                         .node = "node-1",
                                         .board = node->board,
                                         .history = node->history};
    if (!node->slot || !node->snapshot || !node->history ||
        !status_init(&node->status, &node->options, &err))
        abort();
}

static inline void node_deinit(struct node *node)
{
    status_deinit(&node->status);
    snapshot_unref(node->snapshot);
    history_free(node->history);
    board_free(node->board);
}

static inline void node_probe(struct node *node, const char *name)
{
    status_add(&node->status, &(struct probe_status){.name = name,
                                                     .operation = "pull",
                                                     .schedule = "",
                                                     .interval_ns = 300 * NS_PER_SECOND,
                                                     .timeout_ns = 60 * NS_PER_SECOND,
                                                     .slow_ns = 30 * NS_PER_SECOND,
                                                     .next_unix = node->now + 120});
    snapshot_add(node->snapshot, INFO, 1, name, "pull", "client", "registry.example",
                 "registry.example/team/app:1.4", "linux/amd64");
}

/* Runs are told in their order in time, each `ago` seconds old. */
static inline void node_run(struct node *node, const char *probe, double ago, double seconds,
                            enum error_code reason, const char *message, bool slow)
{
    struct run_record record = {
        .probe = probe,
        .operation = "pull",
        .engine = "client",
        .registry = "registry.example",
        .image = "registry.example/team/app:1.4",
        .host = reason == ERROR_NONE ? "mirror.example" : "",
        .start = node->now - ago - seconds,
        .seconds = seconds,
        .timeout_seconds = 60,
        .reason = reason,
        .message = message,
        .warning = "",
        .phases = {{"resolve", seconds * 0.1}, {"fetch", seconds * 0.6}, {"unpack", seconds * 0.3}},
        .n_phases = 3,
        .fetched_bytes = 25165824,
        .declared_bytes = 25165824,
        .slow = slow,
        .log = "+0.001s GET registry.example /v2/team/app/manifests/1.4: 200, 1.2 KiB\n"
               "+0.120s layer 9c1f3e7a0b52: 24.0 MiB, 48.1 MiB/s\n",
    };

    snprintf(record.id, sizeof(record.id), "%016x", ++node->runs);
    history_add(node->history, &record);
}

/* What the board and the history were told becomes what the page sees. */
static inline void node_join(struct node *node)
{
    struct error err;

    board_post(node->slot, node->snapshot);
    board_view_free(node->status.view);
    history_list_free(node->status.history);
    node->status.view = board_view_new(node->board);
    node->status.history = history_find(node->history, NULL, NULL, 0);
    if (!node->status.view || !node->status.history || !status_join(&node->status, &err))
        abort();
}

/* Of a node that is joined; appends to *out. */
static inline void node_page(struct node *node, uint64_t page, struct buf *out)
{
    struct error err;

    if (!status_print(&node->status, page, 0, out, &err))
        abort();
}

/* The exchange of server/server.h, without server.c. */
struct exchange {
    const char *query[8][2]; /* name, value; ends with a NULL name */
    unsigned status;
    char content_type[64];
    char headers[1024]; /* lines */
    struct buf body;
};

size_t exchange_query(const struct exchange *exchange, const char *name, const char **values,
                      size_t max)
{
    size_t n = 0;

    for (size_t i = 0; exchange->query[i][0]; i++)
        if (strcmp(exchange->query[i][0], name) == 0 && n++ < max)
            values[n - 1] = exchange->query[i][1];
    return n;
}

void exchange_reply(struct exchange *exchange, struct reply *reply)
{
    exchange->status = reply->status;
    snprintf(exchange->content_type, sizeof(exchange->content_type), "%s", reply->content_type);
    for (size_t i = 0; reply->headers[i].name; i++) {
        size_t used = strlen(exchange->headers);
        snprintf(exchange->headers + used, sizeof(exchange->headers) - used, "%s: %s\n",
                 reply->headers[i].name, reply->headers[i].value);
    }
    exchange->body = reply->body;
}

void exchange_reply_text(struct exchange *exchange, unsigned status, const char *text)
{
    exchange->status = status;
    exchange->body = (struct buf)BUF_INIT(NODE_LIMIT_BYTES);
    buf_append_str(&exchange->body, text);
}

/* What no page calls. */
const char *exchange_method(const struct exchange *exchange)
{
    (void)exchange;
    abort();
}

const char *exchange_path(const struct exchange *exchange)
{
    (void)exchange;
    abort();
}

const char *exchange_header(const struct exchange *exchange, const char *name)
{
    (void)exchange, (void)name;
    abort();
}

bool exchange_is_local(const struct exchange *exchange)
{
    (void)exchange;
    abort();
}

void exchange_defer(struct exchange *exchange, void (*gone)(void *arg), void *arg)
{
    (void)exchange, (void)gone, (void)arg;
    abort();
}

struct server *server_start(const struct server_options *options, struct error *err)
{
    (void)options, (void)err;
    abort();
}

bool server_apply(struct server *server, struct web_config *config, struct error *err)
{
    (void)server, (void)config, (void)err;
    abort();
}

void server_drain(struct server *server, int64_t limit_ns)
{
    (void)server, (void)limit_ns;
    abort();
}

void server_stop(struct server *server)
{
    (void)server;
    abort();
}

#endif
