/* SPDX-License-Identifier: Apache-2.0 */
/* Iterates over the namespaces of the daemon, without those of the probes. */
#pragma once

#include "containerd/containerd.h"

/* Each probe has a namespace, named by this prefix and the name of the probe. The inventory does
 * not count these namespaces. */
#define PROBE_NAMESPACE_PREFIX "containerd-exporter."

bool namespace_is_probes(const char *name);

/* `scope` lives until the callback returns. */
typedef bool namespace_visit(void *arg, const struct scope *scope, struct error *err);

/* Calls `visit` once per namespace. RPC_NOT_FOUND of a visit means that the namespace was deleted
 * in the meantime; the iteration continues. RPC_UNIMPLEMENTED means that the daemon lacks the
 * service; the iteration ends with success. */
bool each_namespace(struct containerd *daemon, namespace_visit *visit, void *arg,
                    struct cancel *cancel, struct error *err) MUST_CHECK;
