/* SPDX-License-Identifier: Apache-2.0 */
#include "net/rpc_stats.h"

#include <string.h>

const double rpc_duration_bounds[RPC_DURATION_BOUNDS] = {0.001, 0.005, 0.025, 0.1, 0.5, 1, 5, 30};

void rpc_stats_init(struct rpc_stats *stats)
{
    *stats = (struct rpc_stats){0};
    pthread_mutex_init(&stats->lock_, NULL);
}

void rpc_stats_deinit(struct rpc_stats *stats)
{
    pthread_mutex_destroy(&stats->lock_);
}

static struct rpc_method_stats *find(struct rpc_stats *stats, const char *method)
{
    size_t i = 0;

    while (i < stats->n_methods_ && strcmp(stats->methods_[i].method, method) != 0)
        i++;
    if (i == RPC_METHODS_MAX)
        return NULL;
    if (i == stats->n_methods_)
        stats->methods_[stats->n_methods_++].method = method;
    return &stats->methods_[i];
}

void rpc_stats_count(struct rpc_stats *stats, const char *method, int status, double seconds)
{
    struct rpc_method_stats *entry;
    size_t bucket = 0;
    LOCK_SCOPE(&stats->lock_);

    entry = find(stats, method + 1);
    if (!entry)
        return;
    while (bucket < RPC_DURATION_BOUNDS && seconds > rpc_duration_bounds[bucket])
        bucket++;
    if (seconds >= 0) {
        entry->counts[bucket]++;
        entry->sum_seconds += seconds;
    }
    if (status > 0 && status < RPC_STATUSES)
        entry->failures[status]++;
}

void rpc_stats_each(struct rpc_stats *stats,
                    void (*visit)(void *arg, const struct rpc_method_stats *method), void *arg)
{
    for (size_t i = 0;; i++) {
        struct rpc_method_stats copy;

        pthread_mutex_lock(&stats->lock_);
        if (i >= stats->n_methods_) {
            pthread_mutex_unlock(&stats->lock_);
            return;
        }
        copy = stats->methods_[i];
        pthread_mutex_unlock(&stats->lock_);
        visit(arg, &copy);
    }
}
