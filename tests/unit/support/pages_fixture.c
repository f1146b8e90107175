/* SPDX-License-Identifier: Apache-2.0 */
#include "support/pages_fixture.h"

#include "web/web.h"

#include <stdio.h>
#include <string.h>

#define P "probe", "operation", "engine", "registry"

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
    [FAILURE] = {METRIC_INFO,
                 "containerd_exporter_collector_failure_info",
                 "",
                 {"collector", "reason"}},
    [CONDITION] = {METRIC_GAUGE, "containerd_cri_condition", "", {"type"}},
    [RELOADED] = {METRIC_GAUGE, "containerd_exporter_config_last_reload_successful", ""},
    [DOCKER_UP] = {METRIC_GAUGE, "docker_engine_up", ""},
    [DOCKER_INFO] = {METRIC_INFO, "docker_engine_info", "", {"version"}},
    [DOCKER_IMAGES] = {METRIC_GAUGE, "docker_engine_images", ""},
    [NAMESPACES] = {METRIC_GAUGE, "containerd_namespaces", ""},
    [CONTAINERS] = {METRIC_GAUGE, "containerd_containers", "", {"namespace"}},
    [LEASES] = {METRIC_GAUGE, "containerd_leases", "", {"namespace"}},
    [EXPIRED_LEASES] = {METRIC_GAUGE, "containerd_expired_leases", "", {"namespace"}},
    [INGESTS] = {METRIC_GAUGE, "containerd_ingests", "", {"namespace"}},
    [CRI] = {METRIC_INFO, "containerd_cri_info", "", {"version"}},
    [SANDBOX] = {METRIC_INFO, "containerd_cri_sandbox_image_info", "", {"image"}},
    [SANDBOX_PRESENT] = {METRIC_GAUGE, "containerd_cri_sandbox_image_present", ""},
    [DEPRECATIONS] = {METRIC_INFO, "containerd_deprecation_info", "", {"id"}},
    [START_TIME] = {METRIC_GAUGE, "process_start_time_seconds", ""},
    [RELOAD_TIME] = {METRIC_GAUGE,
                     "containerd_exporter_config_last_reload_success_timestamp_seconds", ""},
    [RATE_LIMIT] = {METRIC_GAUGE, "image_registry_rate_limit", "", {"registry"}},
    [RATE_REMAINING] = {METRIC_GAUGE, "image_registry_rate_limit_remaining", "", {"registry"}},
    [CERTIFICATE] = {METRIC_GAUGE,
                     "image_registry_certificate_expiry_timestamp_seconds",
                     "",
                     {"registry"}},
    [CONTENT_UNIQUE] = {METRIC_GAUGE, "containerd_content_unique_bytes", ""},
    {0},
};

void node_init(struct node *node)
{
    struct error err;

    *node = (struct node){.now = NODE_NOW};
    node->board = board_new();
    node->slot = board_add(node->board, NULL);
    node->snapshot = snapshot_new(node_families, NODE_LIMIT_BYTES);
    node->history = history_new(100, NODE_LIMIT_BYTES, &err);
    node->context = (struct page_context){.telemetry_path = "/metrics",
                                          .external_url = "",
                                          .route_prefix = "",
                                          .version = "1.2.3",
                                          .node = "node-1",
                                          .board = node->board,
                                          .tables = web_tables,
                                          .history = node->history};
    if (!node->slot || !node->snapshot || !node->history ||
        !status_init(&node->status, &node->context, &err))
        abort();
    node->status.now = node->now;
}

void node_deinit(struct node *node)
{
    status_deinit(&node->status);
    snapshot_unref(node->snapshot);
    history_free(node->history);
    board_free(node->board);
}

void node_probe(struct node *node, const char *name)
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

void node_run(struct node *node, const char *probe, double ago, double seconds,
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

void node_join(struct node *node)
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

void node_page(struct node *node, uint64_t number, struct buf *out)
{
    struct error err;

    if (!status_print(&node->status, number, 0, out, &err))
        abort();
}
