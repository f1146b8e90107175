/* SPDX-License-Identifier: Apache-2.0 */
/* Deprecated features of containerd that a client used; a later version will not have them. */

#include "collector/collector.h"
#include "collector/node.h"
#include "containerd/introspection.h"

#define ARENA_LIMIT_BYTES ((size_t)4 << 20)

enum {
    INFO,
    LAST_OCCURRENCE,
};

static const struct metric_family families[] = {
    [INFO] = {METRIC_INFO,
              "containerd_deprecation_info",
              "A deprecated feature of containerd that was used since it started; always 1. Asked "
              "on a schedule.",
              {"id"}},
    [LAST_OCCURRENCE] = {METRIC_GAUGE,
                         "containerd_deprecation_last_occurrence_timestamp_seconds",
                         "When the deprecated feature was last used. Asked on a schedule.",
                         {"id"}},
    {0},
};

static bool run(void *state, struct run *run, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct deprecations deprecations;

    (void)state;
    if (!introspection_deprecations(run->node->containerd, &arena, &deprecations, run->cancel, err))
        return error_is_expected(err, STATUS_GRPC, RPC_UNIMPLEMENTED);
    for (size_t i = 0; i < deprecations.count; i++) {
        const struct deprecation *item = &deprecations.items[i];

        snapshot_add(run->out, INFO, 1, item->id);
        if (item->last_occurrence > 0)
            snapshot_add(run->out, LAST_OCCURRENCE, item->last_occurrence, item->id);
    }
    return true;
}

const struct collector deprecations_collector = {
    .name = "deprecations",
    .help = "Deprecated features of containerd that are in use.",
    .families = families,
    .lane = LANE_INVENTORY,
    .interval = "60s",
    .timeout = "10s",
    .run = run,
};
