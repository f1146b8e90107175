/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Tasks service. */
#ifndef CONTAINERD_WIRE_TASKS_WIRE_H
#define CONTAINERD_WIRE_TASKS_WIRE_H

#include "containerd/tasks.h"

/* A status of a daemon newer than us counts as unknown. */
bool tasks_wire_count(const struct buf *message, struct arena *arena, size_t counts[TASK_STATUSES],
                      struct error *err) MUST_CHECK;

#endif
