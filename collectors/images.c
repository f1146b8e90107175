/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the images of every namespace are complete and unpacked, as `ctr images
 * check` would say, from three lists per namespace instead of a dozen calls per image.
 *
 * The order of the lists matters: a pull writes content, then snapshots, then the
 * image, so that reading them in the order image, content, snapshots shows no pull
 * in flight as an incomplete image.
 */
#include "client/images.h"
#include "base/text.h"
#include "client/containerd.h"
#include "client/content.h"
#include "client/digest_set.h"
#include "client/image_cache.h"
#include "client/image_check.h"
#include "client/shared.h"
#include "client/snapshots.h"
#include "engine/collector.h"

#include <string.h>

#define NAMESPACES_LIMIT_BYTES ((size_t)16 << 20)
#define RECORDS_LIMIT_BYTES    ((size_t)64 << 20) /* the images of one namespace, listed twice */
#define LOOKS_MAX              3                  /* at a namespace that changes meanwhile */

#define SNAPSHOTTER_LABEL   "containerd.io/defaults/snapshotter"
#define DEFAULT_SNAPSHOTTER "overlayfs"

enum {
    IMAGES,
    IMAGE_BYTES,
};

static const struct metric_family families[] = {
    [IMAGES] = {METRIC_GAUGE,
                "containerd_images",
                "Images by what a check of their content and snapshots says; on a schedule.",
                {"namespace", "status", "unpacked"}},
    [IMAGE_BYTES] = {METRIC_GAUGE,
                     "containerd_image_bytes",
                     "Declared size of what the images of this machine's platform need, and of "
                     "what is there; measured on a schedule.",
                     {"namespace", "state"}},
    {0},
};

struct images {
    struct containerd *daemon;
    struct platform_matcher matcher;
    struct image_cache *cache;
    struct digest_set content;   /* of the namespace that is measured; digest -> size */
    struct digest_set snapshots; /* of its snapshotter */
};

struct totals {
    size_t images[IMAGE_STATUSES][2]; /* by status and unpacked */
    double required_bytes, present_bytes;
};

/* What a check sees: one namespace at one time. */
struct view {
    struct images *job;
    const struct scope *scope;
    struct cancel *cancel;
};

static bool read_blob(void *arg, const char *digest, struct buf *out, struct error *err)
{
    const struct view *view = arg;
    return content_read(view->scope, digest, out, view->cancel, err);
}

static bool size_of(void *arg, const char *digest, uint64_t *size)
{
    const struct view *view = arg;
    return digest_set_find(&view->job->content, digest, size);
}

static enum image_lookup find_manifest(void *arg, const struct content_info *blob,
                                       const char *media_type, const struct manifest **manifest)
{
    const struct view *view = arg;
    const struct image_source source = {read_blob, arg};
    return image_cache_manifest(view->job->cache, &source, blob, media_type, manifest);
}

static enum image_lookup find_config(void *arg, const struct content_info *blob,
                                     const struct image_essence **config)
{
    const struct view *view = arg;
    const struct image_source source = {read_blob, arg};
    return image_cache_config(view->job->cache, &source, blob, config);
}

static bool has_snapshot(void *arg, const char *chain_id)
{
    const struct view *view = arg;
    return digest_set_find(&view->job->snapshots, chain_id, NULL);
}

static bool check_all(struct view *view, const struct image_records *records, struct totals *totals,
                      struct error *err)
{
    const struct image_facts facts = {size_of, find_manifest, find_config, has_snapshot, view};
    for (size_t i = 0; i < records->count; i++) {
        struct image_verdict verdict;
        image_check(&verdict, &records->items[i].target, &view->job->matcher, &facts);
        if (!image_cache_ok(view->job->cache, err))
            return false;
        totals->images[verdict.status][verdict.unpacked]++;
        totals->required_bytes += (double)verdict.required_bytes;
        totals->present_bytes += (double)verdict.present_bytes;
    }
    return true;
}

static void report(struct snapshot *out, const char *name_space, const struct totals *totals)
{
    for (size_t status = 0; status < IMAGE_STATUSES; status++) {
        const char *name = image_status_name((enum image_status)status);
        const size_t *images = totals->images[status];
        snapshot_add(out, IMAGES, (double)images[false], name_space, name, "false");
        snapshot_add(out, IMAGES, (double)images[true], name_space, name, "true");
    }
    snapshot_add(out, IMAGE_BYTES, totals->required_bytes, name_space, "required");
    snapshot_add(out, IMAGE_BYTES, totals->present_bytes, name_space, "present");
}

static bool add_content(void *arg, const struct content_info *info, struct error *err)
{
    return digest_set_add(arg, info->digest, info->size, err);
}

static bool add_snapshot(void *arg, const struct snapshot_info *info, struct error *err)
{
    return digest_set_add(arg, info->name, 0, err);
}

/* A snapshotter that is not loaded has no snapshots. */
static bool list_snapshots(const struct view *view, const char *snapshotter, struct error *err)
{
    struct digest_set *set = &view->job->snapshots;
    digest_set_clear(set);
    return snapshots_list(view->scope, snapshotter, add_snapshot, set, view->cancel, err) ||
           err->status == RPC_INVALID_ARGUMENT || err->status == RPC_NOT_FOUND;
}

static const char *snapshotter_of(const struct containerd_namespace *name_space)
{
    const char *label = labels_get(&name_space->labels, SNAPSHOTTER_LABEL);
    return label && label[0] != '\0' ? label : DEFAULT_SNAPSHOTTER;
}

static size_t not_complete(const struct image_records *records, const struct totals *totals)
{
    return records->count - totals->images[IMAGE_COMPLETE][false] -
           totals->images[IMAGE_COMPLETE][true];
}

static bool same_images(const struct image_records *a, const struct image_records *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i].name, b->items[i].name) != 0 ||
            strcmp(a->items[i].target.digest, b->items[i].target.digest) != 0)
            return false;
    return true;
}

/* An image that was deleted or replaced between the lists lacks content that it does not need:
 * what seems not to be complete is believed only if the images are still the same. */
static bool look(struct view *view, const char *snapshotter, struct totals *totals, bool *settled,
                 struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(RECORDS_LIMIT_BYTES);
    struct digest_set *content = &view->job->content;
    struct image_records records, later;

    *totals = (struct totals){0};
    digest_set_clear(content);
    if (!images_list(view->scope, &arena, &records, view->cancel, err) ||
        !content_list(view->scope, add_content, content, view->cancel, err) ||
        !list_snapshots(view, snapshotter, err) || !check_all(view, &records, totals, err))
        return false;
    *settled = not_complete(&records, totals) == 0;
    if (*settled)
        return true;
    if (!images_list(view->scope, &arena, &later, view->cancel, err))
        return false;
    *settled = same_images(&records, &later);
    return true;
}

static bool measure(struct images *job, const struct containerd_namespace *name_space,
                    struct run *run, struct error *err)
{
    const struct scope scope = {.daemon = job->daemon, .name_space = name_space->name};
    struct view view = {.job = job, .scope = &scope, .cancel = run->cancel};
    struct totals totals;
    bool settled = false;

    for (size_t looks = 0; !settled && looks < LOOKS_MAX; looks++)
        if (!look(&view, snapshotter_of(name_space), &totals, &settled, err))
            return false;
    report(run->out, name_space->name, &totals);
    return true;
}

static bool run_job(void *state, struct run *run, struct error *err)
{
    struct images *job = state;
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(NAMESPACES_LIMIT_BYTES);
    struct containerd_namespaces namespaces;

    if (!containerd_namespaces(job->daemon, &arena, &namespaces, run->cancel, err))
        return false;
    image_cache_begin(job->cache);
    for (size_t i = 0; i < namespaces.count; i++) {
        const struct containerd_namespace *name_space = &namespaces.items[i];
        if (text_starts_with(name_space->name, PROBE_NAMESPACE_PREFIX))
            continue;
        if (!measure(job, name_space, run, err) && err->code != ERROR_NOT_FOUND)
            return error_wrap(err, "namespace %s", name_space->name);
    }
    image_cache_end(job->cache);
    return true;
}

static bool open_job(void *state, const struct job_context *context, struct error *err)
{
    struct images *job = state;
    job->daemon = context->shared->containerd;
    job->content = (struct digest_set)DIGEST_SET_INIT;
    job->snapshots = (struct digest_set)DIGEST_SET_INIT;
    platform_matcher_host(&job->matcher);
    job->cache = image_cache_new(err);
    return job->cache;
}

static void close_job(void *state)
{
    struct images *job = state;
    image_cache_free(job->cache);
    digest_set_deinit(&job->content);
    digest_set_deinit(&job->snapshots);
}

const struct collector images_collector = {
    .name = "images",
    .help = "Completeness of the images in every namespace.",
    .families = families,
    .state_size = sizeof(struct images),
    .lane = LANE_INVENTORY,
    .interval = "30s",
    .timeout = "10s",
    .open = open_job,
    .close = close_job,
    .run = run_job,
};
