/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of every namespace and of every snapshotter that is loaded, proxies
 * included, and what the committed ones occupy. A snapshotter that fails (a proxy
 * whose other side is gone) costs its own numbers only.
 */
#include "containerd/snapshots.h"
#include "collector/collector.h"
#include "collector/node.h"
#include "containerd/introspection.h"
#include "containerd/namespaces.h"
#include "inventory/snapshot_sizes.h"

#include <string.h>

#define PLUGINS_LIMIT_BYTES ((size_t)4 << 20)
#define NAMES_LIMIT_BYTES \
    ((size_t)64 << 20)                  /* committed snapshots of one namespace and snapshotter */
#define SIZES_PER_RUN    ((size_t)2000) /* that the daemon is asked for */
#define SNAPSHOTTER_TYPE "io.containerd.snapshotter.v1"

enum {
    SNAPSHOTS,
    BYTES,
};

static const struct metric_family families[] = {
    [SNAPSHOTS] = {METRIC_GAUGE,
                   "containerd_snapshots",
                   "Snapshots of a namespace by snapshotter and kind: view, active, committed. "
                   "Listed on a schedule.",
                   {"namespace", "snapshotter", "kind"}},
    [BYTES] = {METRIC_GAUGE,
               "containerd_snapshot_bytes",
               "Disk usage of the committed snapshots of a namespace; without active ones, for "
               "which the daemon would walk their files, and absent until every one is known. "
               "Measured on a schedule.",
               {"namespace", "snapshotter"}},
    {0},
};

static const char *const kinds[] = {
    [SNAPSHOT_VIEW] = "view",
    [SNAPSHOT_ACTIVE] = "active",
    [SNAPSHOT_COMMITTED] = "committed",
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct snapshots_state {
    struct containerd *containerd;
    struct snapshot_sizes sizes;
};

struct committed {
    struct committed *next;
    struct snapshot_info info;
};

/* What one snapshotter has in one namespace. */
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

    (void)err;
    job->containerd = context->node->containerd;
    job->sizes = (struct snapshot_sizes)SNAPSHOT_SIZES_INIT;
    return true;
}

static void close_job(void *state)
{
    snapshot_sizes_deinit(&((struct snapshots_state *)state)->sizes);
}

/* The sizes are asked for once the list has ended: it would wait for us. */
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
    bool told = true;

    for (const struct committed *at = view->committed; at; at = at->next)
        if (!snapshot_sizes_add(&all->job->sizes, scope, all->snapshotter, &at->info, &bytes, &told,
                                all->run->cancel, err))
            return error_is_expected(err, STATUS_GRPC,
                                     RPC_UNIMPLEMENTED); /* a snapshotter without usage */
    if (told)
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
                                 RPC_INVALID_ARGUMENT); /* not loaded: it has none */
    for (size_t kind = SNAPSHOT_VIEW; kind < KINDS; kind++)
        snapshot_add(all->run->out, SNAPSHOTS, (double)view.counts[kind], scope->name_space,
                     all->snapshotter, kinds[kind]);
    return add_bytes(all, scope, &view, err);
}

/* A proxy whose other side is gone is no daemon that is gone, though both are "unavailable". */
static bool fail(struct snapshots_state *job, struct run *run, const struct error *failure,
                 struct error *err)
{
    bool serving;

    if (failure->code == ERROR_RUNTIME_UNAVAILABLE &&
        !containerd_health(job->containerd, &serving, run->cancel, err))
        return false;
    *err = *failure;
    if (err->code == ERROR_RUNTIME_UNAVAILABLE)
        err->code = ERROR_RUNTIME;
    return false;
}

/* One snapshotter after the other, proxies last, as the daemon lists them: one that hangs takes the
 * rest of our time. */
static bool run(void *state, struct run *run, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(PLUGINS_LIMIT_BYTES);
    struct snapshots_state *job = state;
    struct measurement all = {.job = job, .run = run};
    struct plugins plugins;
    struct error failure = {0};

    if (!introspection_plugins(job->containerd, &arena, &plugins, run->cancel, err))
        return false;
    snapshot_sizes_begin(&job->sizes, SIZES_PER_RUN);
    for (size_t i = 0; i < plugins.count; i++) {
        const struct plugin *plugin = &plugins.items[i];

        all.snapshotter = plugin->id;
        if (strcmp(plugin->type, SNAPSHOTTER_TYPE) != 0 || plugin->init_error ||
            each_namespace(job->containerd, measure, &all, run->cancel, err))
            continue;
        error_wrap(err, "snapshotter %s", all.snapshotter);
        if (failure.code == ERROR_NONE)
            failure = *err;
    }
    if (failure.code != ERROR_NONE)
        return fail(job, run, &failure, err);
    snapshot_sizes_end(&job->sizes);
    return true;
}

const struct collector snapshots_collector = {
    .name = "snapshots",
    .help = "Snapshots by snapshotter and kind, and their size.",
    .families = families,
    .state_size = sizeof(struct snapshots_state),
    .lane = LANE_INVENTORY,
    .interval = "60s",
    .timeout = "10s",
    .open = open_job,
    .close = close_job,
    .run = run,
};
