/* SPDX-License-Identifier: Apache-2.0 */
/* What is being written into containerd's content store and is no blob yet. */
#ifndef CONTAINERD_INGESTS_H
#define CONTAINERD_INGESTS_H

#include "containerd/containerd.h"

struct ingest {
    const char *ref;
    uint64_t offset_bytes, total_bytes; /* total 0: nobody said */
    double started, updated;            /* seconds since 1970; 0: not told */
};

struct ingests {
    struct ingest *items;
    size_t count;
};

bool ingests_list(const struct scope *scope, struct arena *arena, struct ingests *ingests,
                  struct cancel *cancel, struct error *err) MUST_CHECK;

#endif
