/* SPDX-License-Identifier: Apache-2.0 */
/* One call per namespace, as long as its slowest shims. */
#include "containerd/tasks.h"

#include "containerd/wire/tasks_wire.h"

#define REPLY_LIMIT_BYTES ((size_t)16 << 20)
#define ARENA_LIMIT_BYTES ((size_t)64 << 20)

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
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf reply = BUF_INIT(REPLY_LIMIT_BYTES);
    const struct buf nothing = BUF_INIT(0);

    return containerd_call(scope, "/containerd.services.tasks.v1.Tasks/List", &nothing, &reply,
                           cancel, err) &&
           tasks_wire_count(&reply, &arena, counts, err);
}
