/* SPDX-License-Identifier: Apache-2.0 */
/* The leases of every namespace, and those that have expired. */

#include "containerd/leases.h"
#include "base/clock.h"
#include "collector/collector.h"
#include "collector/failed_namespaces.h"
#include "collector/node.h"
#include "containerd/namespaces.h"
#include "encoding/rfc3339.h"

#define ARENA_LIMIT_BYTES ((size_t)64 << 20) /* the leases of one namespace */
#define EXPIRE_LABEL      "containerd.io/gc.expire"

enum {
    LEASES,
    EXPIRED,
    FAILED_NAMESPACES,
};

static const struct metric_family families[] = {
    [LEASES] = {METRIC_GAUGE,
                "containerd_leases",
                "Leases of a namespace, expired ones included. Listed on a schedule.",
                {"namespace"}},
    [EXPIRED] = {METRIC_GAUGE,
                 "containerd_expired_leases",
                 "Leases that have expired and that the garbage collection has not removed yet. "
                 "Listed on a schedule.",
                 {"namespace"}},
    [FAILED_NAMESPACES] = FAILED_NAMESPACES_FAMILY,
    {0},
};

/* Like containerd, treats a label that is not a time as "never expires". */
static bool is_expired(const struct lease *lease, double now)
{
    const char *label = labels_get(&lease->labels, EXPIRE_LABEL);
    struct error ignored;
    int64_t end;

    return label && rfc3339_parse(label, &end, &ignored) && (double)end < now;
}

static bool count(void *arg, const struct scope *scope, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct run *run = arg;
    struct leases leases;
    double now, expired = 0;

    if (!leases_list(scope, &arena, &leases, run->cancel, err))
        return false;
    now = clock_unix_seconds();
    for (size_t i = 0; i < leases.count; i++)
        expired += is_expired(&leases.items[i], now);
    snapshot_add(run->out, LEASES, (double)leases.count, scope->name_space);
    snapshot_add(run->out, EXPIRED, expired, scope->name_space);
    return true;
}

static bool run(void *state, struct run *run, struct error *err)
{
    size_t n_failed = 0;
    bool ok = each_namespace(run->node->containerd, count, run, &n_failed, run->cancel, err);

    (void)state;
    snapshot_add(run->out, FAILED_NAMESPACES, (double)n_failed, "leases");
    return ok;
}

const struct collector leases_collector = {
    .name = "leases",
    .help = "Leases of containerd, and expired ones.",
    .families = families,
    .lane = LANE_INVENTORY,
    .interval = "60s",
    .timeout = "10s",
    .run = run,
};
