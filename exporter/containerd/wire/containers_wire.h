/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Containers and Tasks services. */
#pragma once

#include "containerd/containers.h"
#include "containerd/tasks.h"

struct containers_visitor {
    containers_visit *visit;
    void *arg;
};

void containers_wire_list(struct buf *out, const char *filter);
containerd_decode containers_wire_visit_all; /* struct containers_visitor; the reply to List */
containerd_decode containers_wire_visit_one; /* the same; a message of ListStream */

/* size_t[TASK_STATUSES]: adds to it. A status that the exporter does not know is TASK_UNKNOWN. */
containerd_decode tasks_wire_count;
