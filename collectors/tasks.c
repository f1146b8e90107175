/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks by status. The timeout is long, because the daemon asks the shims one after the other and
 * waits two seconds for each shim that hangs.
 */

#include "containerd/tasks.h"
#include "collector/collector.h"
#include "collector/failed_namespaces.h"
#include "collector/node.h"
#include "containerd/namespaces.h"

enum {
    TASKS,
    FAILED_NAMESPACES,
};

static const struct metric_family families[] = {
    [TASKS] =
        {METRIC_GAUGE,
         "containerd_tasks",
         "Tasks of a namespace by status. Tasks whose shim does not answer are left out. Listed "
         "on a schedule.",
         {"namespace", "status"}},
    [FAILED_NAMESPACES] = FAILED_NAMESPACES_FAMILY,
    {0},
};

static bool count(void *arg, const struct scope *scope, struct error *err)
{
    struct run *run = arg;
    size_t counts[TASK_STATUSES] = {0};

    if (!tasks_count(scope, counts, run->cancel, err))
        return false;
    for (size_t status = 0; status < TASK_STATUSES; status++)
        snapshot_add(run->out, TASKS, (double)counts[status], scope->name_space,
                     task_status_name((enum task_status)status));
    return true;
}

static bool run(void *state, struct run *run, struct error *err)
{
    size_t n_failed = 0;
    bool ok = each_namespace(run->node->containerd, count, run, &n_failed, run->cancel, err);

    (void)state;
    snapshot_add(run->out, FAILED_NAMESPACES, (double)n_failed, "tasks");
    return ok;
}

const struct collector tasks_collector = {
    .name = "tasks",
    .help = "Tasks of containerd by status.",
    .families = families,
    .lane = LANE_INVENTORY,
    .interval = "60s",
    .timeout = "30s",
    .run = run,
};
