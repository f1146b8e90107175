/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every collector of the inventory does first: for each namespace of the
 * daemon, but not for those that probes work in.
 */
#ifndef CONTAINERD_NAMESPACES_H
#define CONTAINERD_NAMESPACES_H

#include "containerd/containerd.h"

/* Each probe works in a namespace of its own, which has this prefix and the probe's name. The
 * inventory leaves these namespaces out. */
#define PROBE_NAMESPACE_PREFIX "containerd-exporter."

bool namespace_is_probes(const char *name);

/* `scope` lives until it returns. */
typedef bool namespace_visit(void *arg, const struct scope *scope, struct error *err);

/* A visit that ends with ERROR_NOT_FOUND met a namespace that was deleted meanwhile, and counts
 * as done; one that ends with RPC_UNIMPLEMENTED met a daemon without that service: the others
 * are not asked, and it is no failure. */
bool each_namespace(struct containerd *daemon, namespace_visit *visit, void *arg,
                    struct cancel *cancel, struct error *err) MUST_CHECK;

#endif
