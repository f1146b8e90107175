/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the Introspection service, in detail. */
#ifndef CONTAINERD_WIRE_INTROSPECTION_WIRE_H
#define CONTAINERD_WIRE_INTROSPECTION_WIRE_H

#include "containerd/introspection.h"

bool introspection_wire_plugins(const struct buf *message, struct arena *arena,
                                struct plugin_details *plugins, struct error *err) MUST_CHECK;
bool introspection_wire_deprecations(const struct buf *message, struct arena *arena,
                                     struct deprecations *deprecations,
                                     struct error *err) MUST_CHECK;

#endif
