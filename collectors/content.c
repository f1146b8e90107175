/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs in containerd's content store, per namespace and in total, and active ingests. Namespaces
 * share blobs; the total counts each blob once.
 */

#include "containerd/content.h"
#include "collector/collector.h"
#include "collector/failed_namespaces.h"
#include "collector/node.h"
#include "containerd/namespaces.h"
#include "oci/name_map.h"

#define INGESTS_LIMIT_BYTES ((size_t)32 << 20) /* the ingests of one namespace */

enum {
    BLOBS,
    BYTES,
    UNIQUE_BYTES,
    INGESTS,
    OLDEST_UPDATE,
    FAILED_NAMESPACES,
};

static const struct metric_family families[] = {
    [BLOBS] = {METRIC_GAUGE,
               "containerd_content_blobs",
               "Blobs of a namespace in the content store. Listed on a schedule.",
               {"namespace"}},
    [BYTES] =
        {METRIC_GAUGE,
         "containerd_content_bytes",
         "Size of the blobs of a namespace; a blob that several namespaces share counts in each. "
         "Listed on a schedule.",
         {"namespace"}},
    [UNIQUE_BYTES] =
        {METRIC_GAUGE, "containerd_content_unique_bytes",
         "Size of the blobs of all namespaces, each blob counted once; namespaces of running "
         "probes are left out. Listed on a schedule."},
    [INGESTS] = {METRIC_GAUGE,
                 "containerd_ingests",
                 "Active ingests: writes into the content store that are not committed. Listed on "
                 "a schedule.",
                 {"namespace"}},
    [OLDEST_UPDATE] =
        {METRIC_GAUGE,
         "containerd_ingest_oldest_update_timestamp_seconds",
         "Time of the last write to the ingest that has been idle longest; absent without "
         "ingests. Listed on a schedule.",
         {"namespace"}},
    [FAILED_NAMESPACES] = FAILED_NAMESPACES_FAMILY,
    {0},
};

struct census {
    struct run *run;
    struct name_map unique;
    double unique_bytes;
    double blobs, bytes; /* of the namespace in progress */
};

static bool add_blob(void *arg, const struct content_info *info, struct error *err)
{
    struct census *census = arg;

    census->blobs++;
    census->bytes += (double)info->size;
    if (name_map_find(&census->unique, info->digest, NULL))
        return true;
    census->unique_bytes += (double)info->size;
    return name_map_add(&census->unique, info->digest, info->size, err);
}

static void add_ingests(const struct ingests *ingests, const char *name_space, struct snapshot *out)
{
    double oldest = 0;

    for (size_t i = 0; i < ingests->count; i++) {
        double updated = ingests->items[i].updated;

        if (updated > 0 && (oldest <= 0 || updated < oldest))
            oldest = updated;
    }
    snapshot_add(out, INGESTS, (double)ingests->count, name_space);
    if (oldest > 0)
        snapshot_add(out, OLDEST_UPDATE, oldest, name_space);
}

static bool count(void *arg, const struct scope *scope, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(INGESTS_LIMIT_BYTES);
    struct census *census = arg;
    struct ingests ingests;

    census->blobs = census->bytes = 0;
    if (!content_list(scope, add_blob, census, census->run->cancel, err) ||
        !content_ingests(scope, &arena, &ingests, census->run->cancel, err))
        return false;
    snapshot_add(census->run->out, BLOBS, census->blobs, scope->name_space);
    snapshot_add(census->run->out, BYTES, census->bytes, scope->name_space);
    add_ingests(&ingests, scope->name_space, census->run->out);
    return true;
}

static bool run(void *state, struct run *run, struct error *err)
{
    struct census census = {.run = run, .unique = NAME_MAP_INIT};
    size_t n_failed = 0;
    bool ok = each_namespace(run->node->containerd, count, &census, &n_failed, run->cancel, err);

    (void)state;
    snapshot_add(run->out, FAILED_NAMESPACES, (double)n_failed, "content");
    name_map_deinit(&census.unique);
    if (ok)
        snapshot_add(run->out, UNIQUE_BYTES, census.unique_bytes);
    return ok;
}

const struct collector content_collector = {
    .name = "content",
    .help = "Blobs in the content store, and active ingests.",
    .families = families,
    .lane = LANE_INVENTORY,
    .interval = "60s",
    .timeout = "10s",
    .run = run,
};
