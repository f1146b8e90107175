/* SPDX-License-Identifier: Apache-2.0 */
#include "containerd/tasks.h"

#include "containerd/wire/containers_wire.h"

const char *task_status_name(enum task_status status)
{
    static const char *const names[TASK_STATUSES] = {
        [TASK_UNKNOWN] = "unknown", [TASK_CREATED] = "created", [TASK_RUNNING] = "running",
        [TASK_STOPPED] = "stopped", [TASK_PAUSED] = "paused",   [TASK_PAUSING] = "pausing",
    };

    return names[status];
}

bool tasks_count(const struct scope *scope, size_t counts[TASK_STATUSES], struct cancel *cancel,
                 struct error *err)
{
    return containerd_query(scope, "/containerd.services.tasks.v1.Tasks/List", NULL,
                            tasks_wire_count, NULL, counts, cancel, err);
}
