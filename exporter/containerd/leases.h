/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's leases: what is made under one lives at least as long as it. */
#ifndef CONTAINERD_LEASES_H
#define CONTAINERD_LEASES_H

#include "containerd/containerd.h"

struct lease {
    const char *id;
    struct labels labels;
};

struct leases {
    struct lease *items;
    size_t count;
};

bool leases_list(const struct scope *scope, struct arena *arena, struct leases *leases,
                 struct cancel *cancel, struct error *err) MUST_CHECK;

/* The lease is scope->lease; the daemon may forget it `lifetime_seconds` from now. */
bool leases_create(const struct scope *scope, int64_t lifetime_seconds, struct cancel *cancel,
                   struct error *err) MUST_CHECK;

/* The same, with labels that tell what it is for. */
bool leases_create_labeled(const struct scope *scope, int64_t lifetime_seconds,
                           const struct labels *labels, struct cancel *cancel,
                           struct error *err) MUST_CHECK;

/* One that does not exist is fine. `sync`: returns after the garbage collection. */
bool leases_delete(const struct scope *scope, const char *id, bool sync, struct cancel *cancel,
                   struct error *err) MUST_CHECK;

#endif
