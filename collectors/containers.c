/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers by runtime. Once a runtime was seen, every namespace has a sample for it, which may be
 * 0.
 */

#include "containerd/containers.h"
#include "collector/collector.h"
#include "collector/failed_namespaces.h"
#include "collector/node.h"
#include "containerd/namespaces.h"

#include <string.h>

#define ARENA_LIMIT_BYTES  ((size_t)16 << 20) /* the counts of all namespaces */
#define RUNTIMES_MAX       ((size_t)32) /* containers of further runtimes are counted as "other" */
#define RUNTIME_NAME_BYTES ((size_t)128)
#define OTHER_RUNTIME      "other"
#define DEFAULT_RUNTIME    "io.containerd.runc.v2"

enum {
    CONTAINERS,
    FAILED_NAMESPACES,
};

static const struct metric_family families[] = {
    [CONTAINERS] = {METRIC_GAUGE,
                    "containerd_containers",
                    "Containers of a namespace by runtime, running or not. Listed on a schedule.",
                    {"namespace", "runtime"}},
    [FAILED_NAMESPACES] = FAILED_NAMESPACES_FAMILY,
    {0},
};

struct containers_state {
    char runtimes[RUNTIMES_MAX + 1][RUNTIME_NAME_BYTES]; /* the last is OTHER_RUNTIME */
    size_t n_runtimes;
};

struct namespace_counts {
    struct namespace_counts *next;
    const char *name;
    size_t containers[RUNTIMES_MAX + 1];
};

struct census {
    struct containers_state *job;
    struct cancel *cancel;
    struct arena *arena;
    struct namespace_counts *first, **end;
    struct namespace_counts *counts; /* of the namespace in progress */
};

static bool open_job(void *state, const struct job_context *context, struct error *err)
{
    struct containers_state *job = state;

    (void)context, (void)err;
    strcpy(job->runtimes[0], DEFAULT_RUNTIME);
    strcpy(job->runtimes[RUNTIMES_MAX], OTHER_RUNTIME);
    job->n_runtimes = 1;
    return true;
}

static size_t index_of(struct containers_state *job, const char *runtime)
{
    for (size_t i = 0; i < job->n_runtimes; i++)
        if (strcmp(job->runtimes[i], runtime) == 0)
            return i;
    if (job->n_runtimes == RUNTIMES_MAX || strlen(runtime) >= RUNTIME_NAME_BYTES)
        return RUNTIMES_MAX;
    strcpy(job->runtimes[job->n_runtimes], runtime);
    return job->n_runtimes++;
}

static bool add_container(void *arg, const struct container_info *info, struct error *err)
{
    struct census *census = arg;

    (void)err;
    census->counts->containers[index_of(census->job, info->runtime)]++;
    return true;
}

static bool count(void *arg, const struct scope *scope, struct error *err)
{
    struct census *census = arg;
    struct namespace_counts *counts = arena_alloc(census->arena, sizeof(*counts));

    if (counts)
        counts->name = arena_strdup(census->arena, scope->name_space);
    if (!arena_ok(census->arena, err))
        return false;
    census->counts = counts;
    if (!containers_list(scope, NULL, add_container, census, census->cancel, err))
        return false;
    *census->end = counts;
    census->end = &counts->next;
    return true;
}

static void report(const struct census *census, struct snapshot *out)
{
    const struct containers_state *job = census->job;

    for (const struct namespace_counts *at = census->first; at; at = at->next) {
        for (size_t i = 0; i < job->n_runtimes; i++)
            snapshot_add(out, CONTAINERS, (double)at->containers[i], at->name, job->runtimes[i]);
        if (at->containers[RUNTIMES_MAX] > 0)
            snapshot_add(out, CONTAINERS, (double)at->containers[RUNTIMES_MAX], at->name,
                         job->runtimes[RUNTIMES_MAX]);
    }
}

static bool run(void *state, struct run *run, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct containers_state *job = state;
    struct census census = {.job = job, .cancel = run->cancel, .arena = &arena};
    size_t n_failed = 0;
    bool ok;

    census.end = &census.first;
    ok = each_namespace(run->node->containerd, count, &census, &n_failed, run->cancel, err);
    report(&census, run->out);
    snapshot_add(run->out, FAILED_NAMESPACES, (double)n_failed, "containers");
    return ok;
}

const struct collector containers_collector = {
    .name = "containers",
    .help = "Containers of containerd by runtime.",
    .families = families,
    .state_size = sizeof(struct containers_state),
    .lane = LANE_INVENTORY,
    .interval = "60s",
    .timeout = "10s",
    .open = open_job,
    .run = run,
};
