/* SPDX-License-Identifier: Apache-2.0 */
/* Iterates over the namespaces of the daemon, without those of the probes. */
#pragma once

#include "containerd/containerd.h"

/* Each probe has a namespace, named by this prefix and the name of the probe. The inventory does
 * not count these namespaces. */
#define PROBE_NAMESPACE_PREFIX "containerd-exporter."

bool namespace_is_probes(const char *name);

/* Shortens the deadline of `cancel` to a part of the time that is left, if `n_left` parts of the
 * work (this one included) have to share it. The last part may use all of it. Returns the deadline
 * to which the caller sets cancel->deadline_ns afterwards. */
int64_t deadline_share(struct cancel *cancel, size_t n_left);

/* Whether a failed call concerns only the namespace or the snapshotter that it asked for: the
 * daemon still answers, and the run was not canceled. Then *err has no ERROR_RUNTIME_UNAVAILABLE,
 * which a proxy snapshotter whose process is gone causes, too. */
bool failure_is_local(struct containerd *daemon, struct cancel *cancel, struct error *err);

/* `scope` lives until the callback returns. */
typedef bool namespace_visit(void *arg, const struct scope *scope, struct error *err);

/* Calls `visit` once per namespace, with a deadline for each. A visit that fails does not keep the
 * others from being made; *n_failed (which may be NULL) counts such visits, and the function fails
 * with the first of their errors. RPC_NOT_FOUND of a visit means that the namespace was deleted in
 * the meantime, which is no failure. RPC_UNIMPLEMENTED means that the daemon lacks the service; the
 * iteration ends with success. */
bool each_namespace(struct containerd *daemon, namespace_visit *visit, void *arg, size_t *n_failed,
                    struct cancel *cancel, struct error *err) MUST_CHECK;
