/* SPDX-License-Identifier: Apache-2.0 */
/* Only the status of each is read. */
#include "containerd/wire/tasks_wire.h"

#include "containerd/wire/types_wire.h"
#include "tasks.pb-c.h"

bool tasks_wire_count(const struct buf *message, struct arena *arena, size_t counts[TASK_STATUSES],
                      struct error *err)
{
    const Tasks__ListResponse *reply =
        wire_unpack(&tasks__list_response__descriptor, message, arena, err);

    if (!reply)
        return false;
    for (size_t i = 0; i < reply->n_tasks; i++) {
        int32_t status = reply->tasks[i]->status;

        counts[status >= 0 && status < TASK_STATUSES ? status : TASK_UNKNOWN]++;
    }
    return true;
}
