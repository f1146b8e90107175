/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Version, Introspection, Health and Namespaces services. */
#pragma once

#include "containerd/introspection.h"

containerd_decode containerd_wire_version; /* struct containerd_identity: version and revision */
containerd_decode containerd_wire_server;  /* struct containerd_identity: uuid */
containerd_decode containerd_wire_health;  /* bool: whether it serves */

containerd_decode containerd_wire_namespaces; /* struct containerd_namespaces */
void containerd_wire_namespace_create(struct buf *out, const char *name,
                                      const struct labels *labels, struct arena *arena);

/* A request with nothing but a name, which is field 1 of all such requests: a namespace, a digest,
 * an ingest, an image, a snapshotter. */
void containerd_wire_name(struct buf *out, const char *name);

containerd_decode introspection_wire_plugins;      /* struct plugins */
containerd_decode introspection_wire_deprecations; /* struct deprecations */
