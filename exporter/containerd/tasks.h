/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's tasks: the processes of its containers. */
#ifndef CONTAINERD_TASKS_H
#define CONTAINERD_TASKS_H

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

const char *task_status_name(enum task_status status); /* as `ctr tasks ls`, but lower case */

/* Adds to counts[]. The daemon asks every shim, one after the other; it gives one that hangs
 * two seconds, and then leaves its task out. */
bool tasks_count(const struct scope *scope, size_t counts[TASK_STATUSES], struct cancel *cancel,
                 struct error *err) MUST_CHECK;

#endif
