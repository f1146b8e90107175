/* SPDX-License-Identifier: Apache-2.0 */
/* Durations and failures of the calls of a channel, by method. Thread-safe. */
#pragma once

#include "base/own.h"

#include <stddef.h>
#include <stdint.h>

#define RPC_METHODS_MAX     64 /* further methods are not counted */
#define RPC_STATUSES        17
#define RPC_DURATION_BOUNDS 8

extern const double rpc_duration_bounds[RPC_DURATION_BOUNDS]; /* seconds, ascending */

struct rpc_method_stats {
    const char *method; /* "package.Service/Method" */
    uint64_t counts[RPC_DURATION_BOUNDS +
                    1]; /* calls by duration, not cumulative; the last above all bounds */
    double sum_seconds;
    uint64_t failures[RPC_STATUSES]; /* by status */
};

struct rpc_stats {
    pthread_mutex_t lock_; /* private */
    size_t n_methods_;
    struct rpc_method_stats methods_[RPC_METHODS_MAX];
};

void rpc_stats_init(struct rpc_stats *stats);
void rpc_stats_deinit(struct rpc_stats *stats);

/* Counts a call. `method` must be a string constant with a leading slash. Negative `seconds`: the
 * duration has no meaning and is not counted. */
void rpc_stats_count(struct rpc_stats *stats, const char *method, int status, double seconds);

/* Visits a copy of each method, in the order of first calls. */
void rpc_stats_each(struct rpc_stats *stats,
                    void (*visit)(void *arg, const struct rpc_method_stats *method), void *arg);
