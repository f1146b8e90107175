/* SPDX-License-Identifier: Apache-2.0 */
/* containerd itself: whether it answers, its identity, and the latency and errors of its API. */

#include "collector/collector.h"
#include "collector/node.h"
#include "containerd/containerd.h"

#include <assert.h>

#define ARENA_LIMIT_BYTES ((size_t)64 << 10)

enum {
    UP,
    INFO,
    HEALTHY,
    RPC_DURATION,
    RPC_FAILURES,
};

static const struct metric_family families[] = {
    [UP] = {METRIC_GAUGE, "containerd_up",
            "Whether containerd answers on its socket. Asked on a schedule."},
    [INFO] = {METRIC_INFO,
              "containerd_info",
              "Version, revision and uuid of the containerd that answers; always 1.",
              {"version", "revision", "uuid"}},
    [HEALTHY] = {METRIC_GAUGE, "containerd_healthy",
                 "Whether containerd's health service reports SERVING. Asked on a schedule."},
    [RPC_DURATION] = {METRIC_HISTOGRAM,
                      "containerd_rpc_duration_seconds",
                      "Duration of calls to containerd, including failed ones.",
                      {"method"}},
    [RPC_FAILURES] = {METRIC_COUNTER,
                      "containerd_rpc_failures_total",
                      "Calls to containerd that did not end with OK, by gRPC code.",
                      {"method", "code"},
                      .query =
                          "sum by (method, code) (rate(containerd_rpc_failures_total[5m])) > 0"},
    {0},
};

static void add_method(void *arg, const struct rpc_method_stats *method)
{
    struct snapshot *out = arg;
    struct histogram histogram = HISTOGRAM_INIT(rpc_duration_bounds);

    static_assert(RPC_DURATION_BOUNDS <= HISTOGRAM_BOUNDS_MAX, "a histogram holds the bounds");
    for (size_t i = 0; i <= RPC_DURATION_BOUNDS; i++)
        histogram.counts[i] = method->counts[i];
    histogram.sum = method->sum_seconds;
    snapshot_add_histogram(out, RPC_DURATION, &histogram, method->method);
    for (int status = 0; status < RPC_STATUSES; status++)
        if (method->failures[status] > 0)
            snapshot_add(out, RPC_FAILURES, (double)method->failures[status], method->method,
                         rpc_status_name(status));
}

static bool ask(struct containerd *containerd, struct run *run, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct containerd_identity identity = {0};
    bool serving;

    if (!containerd_identify(containerd, &arena, &identity, run->cancel, err))
        return false;
    snapshot_add(run->out, INFO, 1, identity.version, identity.revision, identity.uuid);
    if (!containerd_health(containerd, &serving, run->cancel, err))
        return false;
    snapshot_add(run->out, HEALTHY, serving);
    return true;
}

static bool run(void *state, struct run *run, struct error *err)
{
    bool up = ask(run->node->containerd, run, err);

    (void)state;
    snapshot_add(run->out, UP, up);
    rpc_stats_each(rpc_channel_stats(containerd_channel(run->node->containerd)), add_method,
                   run->out);
    return up;
}

const struct collector daemon_collector = {
    .name = "daemon",
    .help = "containerd itself: up, version, health, latency and errors of its API.",
    .families = families,
    .lane = LANE_INVENTORY,
    .interval = "5s",
    .timeout = "5s",
    .reports_runtime = true,
    .run = run,
};
