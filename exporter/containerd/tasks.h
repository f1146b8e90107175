/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's tasks: the processes of its containers. */
#pragma once

#include "containerd/containerd.h"

enum task_status {
    TASK_UNKNOWN,
    TASK_CREATED,
    TASK_RUNNING,
    TASK_STOPPED,
    TASK_PAUSED,
    TASK_PAUSING,
    TASK_STATUSES,
};

/* Returns the name that `ctr tasks ls` prints, in lower case. */
const char *task_status_name(enum task_status status);

/* Adds the tasks of the namespace to counts[]. The daemon asks every shim, one after the other. It
 * waits two seconds for a shim that does not answer, and then leaves out its task. */
bool tasks_count(const struct scope *scope, size_t counts[TASK_STATUSES], struct cancel *cancel,
                 struct error *err) MUST_CHECK;
