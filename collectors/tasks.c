/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tasks by status. A collector of its own with a long timeout: the daemon asks
 * every shim in turn, and each one that hangs takes two seconds.
 */
#include "containerd/tasks.h"
#include "collector/collector.h"
#include "collector/node.h"
#include "containerd/namespaces.h"

enum {
    TASKS,
};

static const struct metric_family families[] = {
    [TASKS] =
        {METRIC_GAUGE,
         "containerd_tasks",
         "Tasks of a namespace by status; without those whose shim does not answer. Listed on "
         "a schedule.",
         {"namespace", "status"}},
    {0},
};

struct tasks_state {
    struct containerd *containerd;
};

static bool open_job(void *state, const struct job_context *context, struct error *err)
{
    (void)err;
    ((struct tasks_state *)state)->containerd = context->node->containerd;
    return true;
}

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
    const struct tasks_state *job = state;

    return each_namespace(job->containerd, count, run, run->cancel, err);
}

const struct collector tasks_collector = {
    .name = "tasks",
    .help = "Tasks of containerd by status.",
    .families = families,
    .state_size = sizeof(struct tasks_state),
    .lane = LANE_INVENTORY,
    .interval = "60s",
    .timeout = "30s",
    .open = open_job,
    .run = run,
};
