/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Containers service. */
#ifndef CONTAINERD_WIRE_CONTAINERS_WIRE_H
#define CONTAINERD_WIRE_CONTAINERS_WIRE_H

#include "containerd/containers.h"

void containers_wire_list(struct buf *out, const char *filter);
/* A reply of List: all containers. */
bool containers_wire_visit_all(const struct buf *message, struct arena *arena,
                               containers_visit *visit, void *arg, struct error *err) MUST_CHECK;
/* A message of ListStream: one container. */
bool containers_wire_visit_one(const struct buf *message, struct arena *arena,
                               containers_visit *visit, void *arg, struct error *err) MUST_CHECK;

#endif
