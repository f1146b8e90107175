/* SPDX-License-Identifier: Apache-2.0 */
/* containerd's leases: a lease protects everything created under it from garbage collection. */
#pragma once

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

struct lease_blobs {
    const char **digests;
    size_t count;
};

/* The blobs that were stored under the lease scope->lease. */
bool leases_blobs(const struct scope *scope, struct arena *arena, struct lease_blobs *blobs,
                  struct cancel *cancel, struct error *err) MUST_CHECK;

/* Creates the lease scope->lease, which expires after `lifetime_seconds`. */
bool leases_create(const struct scope *scope, int64_t lifetime_seconds, const struct labels *labels,
                   struct cancel *cancel, struct error *err) MUST_CHECK;

/* A missing lease is success. `sync`: returns after the garbage collection. */
bool leases_delete(const struct scope *scope, const char *id, bool sync, struct cancel *cancel,
                   struct error *err) MUST_CHECK;
