/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Version, Introspection, Health and Namespaces services. */
#ifndef CONTAINERD_WIRE_CONTAINERD_WIRE_H
#define CONTAINERD_WIRE_CONTAINERD_WIRE_H

#include "containerd/containerd.h"

bool containerd_wire_version(const struct buf *message, struct arena *arena,
                             struct containerd_identity *identity, struct error *err) MUST_CHECK;
bool containerd_wire_server(const struct buf *message, struct arena *arena,
                            struct containerd_identity *identity, struct error *err) MUST_CHECK;
bool containerd_wire_health(const struct buf *message, struct arena *arena, bool *serving,
                            struct error *err) MUST_CHECK;
bool containerd_wire_namespaces(const struct buf *message, struct arena *arena,
                                struct containerd_namespaces *namespaces,
                                struct error *err) MUST_CHECK;
void containerd_wire_namespace_create(struct buf *out, const char *name,
                                      const struct labels *labels, struct arena *arena);
void containerd_wire_namespace_delete(struct buf *out, const char *name);

#endif
