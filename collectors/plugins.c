/* SPDX-License-Identifier: Apache-2.0 */
/* The plugins of containerd, with the words of `ctr plugins ls`: ok, skip, error. */

#include "client/shared.h"
#include "engine/collector.h"

#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)4 << 20)

enum {
    PLUGINS,
    PLUGIN_STATUS,
};

static const struct metric_family families[] = {
    [PLUGINS] = {METRIC_GAUGE,
                 "containerd_plugins",
                 "Plugins of containerd by status, as ctr plugins ls tells it. Listed on a "
                 "schedule.",
                 {"status"}},
    [PLUGIN_STATUS] = {METRIC_GAUGE,
                       "containerd_plugin_status",
                       "The status of each plugin: the one it has is 1, the others are 0.",
                       {"type", "id", "status"}},
    {0},
};

static const char *const statuses[] = {"ok", "skip", "error"};
#define STATUSES (sizeof(statuses) / sizeof(statuses[0]))

struct plugins_state {
    struct containerd *containerd;
};

static bool open_job(void *state, const struct job_context *context, struct error *err)
{
    (void)err;
    ((struct plugins_state *)state)->containerd = context->shared->containerd;
    return true;
}

static bool run(void *state, struct run *run, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct plugins_state *job = state;
    struct containerd_plugins plugins;
    double counts[STATUSES] = {0};

    if (!containerd_plugins(job->containerd, &arena, &plugins, run->cancel, err))
        return false;
    for (size_t i = 0; i < plugins.count; i++) {
        const struct containerd_plugin *plugin = &plugins.items[i];

        for (size_t s = 0; s < STATUSES; s++) {
            bool is = strcmp(containerd_plugin_status(plugin), statuses[s]) == 0;

            counts[s] += is;
            snapshot_add(run->out, PLUGIN_STATUS, is, plugin->type, plugin->id, statuses[s]);
        }
    }
    for (size_t s = 0; s < STATUSES; s++)
        snapshot_add(run->out, PLUGINS, counts[s], statuses[s]);
    return true;
}

const struct collector plugins_collector = {
    .name = "plugins",
    .help = "Plugins of containerd: loaded, skipped or in error.",
    .families = families,
    .state_size = sizeof(struct plugins_state),
    .lane = LANE_INVENTORY,
    .interval = "60s",
    .timeout = "10s",
    .open = open_job,
    .run = run,
};
