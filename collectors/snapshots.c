/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of every namespace and loaded snapshotter, proxies included, and the disk usage of the
 * committed ones. A snapshotter that fails, such as a proxy whose process is gone, loses its own
 * samples only.
 */

#include "containerd/snapshots.h"
#include "collector/collector.h"
#include "collector/failed_namespaces.h"
#include "collector/node.h"
#include "containerd/introspection.h"
#include "containerd/namespaces.h"
#include "inventory/snapshot_sizes.h"

#include <string.h>

#define PLUGINS_LIMIT_BYTES ((size_t)4 << 20)
#define NAMES_LIMIT_BYTES \
    ((size_t)64 << 20)               /* committed snapshots of one namespace and snapshotter */
#define SIZES_PER_RUN ((size_t)2000) /* Usage calls */

enum {
    SNAPSHOTS,
    BYTES,
    FAILED_NAMESPACES,
};

static const struct metric_family families[] = {
    [SNAPSHOTS] = {METRIC_GAUGE,
                   "containerd_snapshots",
                   "Snapshots of a namespace by snapshotter and kind: view, active, committed. "
                   "Listed on a schedule.",
                   {"namespace", "snapshotter", "kind"}},
    [BYTES] = {METRIC_GAUGE,
               "containerd_snapshot_bytes",
               "Disk usage of the committed snapshots of a namespace. Active snapshots are left "
               "out, because the daemon would walk their files. Absent until every size is known. "
               "Measured on a schedule.",
               {"namespace", "snapshotter"}},
    [FAILED_NAMESPACES] = FAILED_NAMESPACES_FAMILY,
    {0},
};

static const char *const kinds[] = {
    [SNAPSHOT_VIEW] = "view",
    [SNAPSHOT_ACTIVE] = "active",
    [SNAPSHOT_COMMITTED] = "committed",
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct snapshots_state {
    struct snapshot_sizes sizes;
};

struct committed {
    struct committed *next;
    struct snapshot_info info;
};

/* The snapshots of one snapshotter in one namespace. */
struct view {
    size_t counts[KINDS];
    struct arena *arena;
    struct committed *committed;
};

struct measurement {
    struct snapshots_state *job;
    struct run *run;
    const char *snapshotter;
};

static bool open_job(void *state, const struct job_context *context, struct error *err)
{
    struct snapshots_state *job = state;

    (void)context, (void)err;
    job->sizes = (struct snapshot_sizes)SNAPSHOT_SIZES_INIT;
    return true;
}

static void close_job(void *state)
{
    snapshot_sizes_deinit(&((struct snapshots_state *)state)->sizes);
}

/* Sizes are asked for after the list has ended: the daemon waits while a list is open. */
static bool add_snapshot(void *arg, const struct snapshot_info *info, struct error *err)
{
    struct view *view = arg;
    struct committed *committed;

    view->counts[info->kind]++;
    if (info->kind != SNAPSHOT_COMMITTED)
        return true;
    committed = arena_alloc(view->arena, sizeof(*committed));
    if (committed) {
        committed->info = *info;
        committed->info.parent = NULL;
        committed->info.name = arena_strdup(view->arena, info->name);
        committed->next = view->committed;
        view->committed = committed;
    }
    return arena_ok(view->arena, err);
}

static bool add_bytes(const struct measurement *all, const struct scope *scope,
                      const struct view *view, struct error *err)
{
    uint64_t bytes = 0;
    bool known = true;

    for (const struct committed *at = view->committed; at; at = at->next)
        if (!snapshot_sizes_add(&all->job->sizes, scope, all->snapshotter, &at->info, &bytes,
                                &known, all->run->cancel, err))
            return error_is_expected(err, STATUS_GRPC,
                                     RPC_UNIMPLEMENTED); /* the snapshotter has no Usage call */
    if (known)
        snapshot_add(all->run->out, BYTES, (double)bytes, scope->name_space, all->snapshotter);
    return true;
}

static bool measure(void *arg, const struct scope *scope, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(NAMES_LIMIT_BYTES);
    const struct measurement *all = arg;
    struct view view = {.arena = &arena};

    if (!snapshots_list(scope, all->snapshotter, add_snapshot, &view, all->run->cancel, err))
        return error_is_expected(err, STATUS_GRPC,
                                 RPC_INVALID_ARGUMENT); /* the snapshotter is not loaded */
    for (size_t kind = SNAPSHOT_VIEW; kind < KINDS; kind++)
        snapshot_add(all->run->out, SNAPSHOTS, (double)view.counts[kind], scope->name_space,
                     all->snapshotter, kinds[kind]);
    return add_bytes(all, scope, &view, err);
}

/* Measures one snapshotter, of at most `n_left`, in all namespaces. */
static bool measure_all(struct measurement *all, size_t n_left, size_t *n_failed, struct error *err)
{
    struct run *run = all->run;
    int64_t whole_ns = deadline_share(run->cancel, n_left);
    size_t count = 0;
    bool ok = each_namespace(run->node->containerd, measure, all, &count, run->cancel, err);

    run->cancel->deadline_ns = whole_ns;
    if (count > *n_failed)
        *n_failed = count;
    return ok || error_wrap(err, "snapshotter %s", all->snapshotter);
}

/* Measures the snapshotters in the order of the daemon's list, which has proxies last. */
static bool run(void *state, struct run *run, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(PLUGINS_LIMIT_BYTES);
    struct snapshots_state *job = state;
    struct measurement all = {.job = job, .run = run};
    struct plugins plugins;
    struct error failure = {0};
    size_t n_failed = 0;

    if (!introspection_plugins(run->node->containerd, &arena, &plugins, run->cancel, err))
        return false;
    snapshot_sizes_begin(&job->sizes, SIZES_PER_RUN);
    for (size_t i = 0; i < plugins.count; i++) {
        const struct plugin *plugin = &plugins.items[i];

        all.snapshotter = plugin->id;
        if (strcmp(plugin->type, SNAPSHOTTER_PLUGIN) == 0 && !plugin->init_error &&
            !measure_all(&all, plugins.count - i, &n_failed, err) && failure.code == ERROR_NONE)
            failure = *err;
    }
    snapshot_add(run->out, FAILED_NAMESPACES, (double)n_failed, "snapshots");
    if (failure.code == ERROR_NONE)
        snapshot_sizes_end(&job->sizes);
    else
        *err = failure;
    return failure.code == ERROR_NONE;
}

const struct collector snapshots_collector = {
    .name = "snapshots",
    .help = "Snapshots by snapshotter and kind, and their disk usage.",
    .families = families,
    .state_size = sizeof(struct snapshots_state),
    .lane = LANE_INVENTORY,
    .interval = "60s",
    .timeout = "10s",
    .open = open_job,
    .close = close_job,
    .run = run,
};
