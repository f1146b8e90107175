/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the images of every namespace are complete and unpacked, with the results of `ctr images
 * check`, from three lists per namespace instead of a dozen calls per image.
 *
 * An event of the daemon starts a scan of its namespace within a second. The daemon sends no event
 * for some changes (garbage collection), so the schedule scans all namespaces.
 */

#include "base/text.h"
#include "collector/collector.h"
#include "collector/failed_namespaces.h"
#include "collector/node.h"
#include "inventory/image_inventory.h"
#include "inventory/namespace_changes.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#define COLLECTOR          "images"
#define SERIES_PER_IMAGE   7     /* at most: status, blobs, since when */
#define MAX_SERIES_CEILING 10000 /* fits into one snapshot */
#define KEY_BYTES          (CHANGES_NAME_BYTES + LABEL_VALUE_LIMIT_BYTES + 2)
#define ALL_AT_LEAST_NS    (60 * NS_PER_SECOND) /* even if namespaces change all the time */

enum {
    IMAGES,
    IMAGE_BYTES,
    IMAGE_STATUS,
    IMAGE_BLOBS,
    NOT_COMPLETE_SINCE,
    SERIES_DROPPED,
    EVENTS,
    FAILED_NAMESPACES,
};

static const struct metric_family families[] = {
    [IMAGES] =
        {METRIC_GAUGE,
         "containerd_images",
         "Images by the result of a check of their content and snapshots, in the words of ctr "
         "images check: complete, incomplete, unavailable, error; unpacked is unknown where the "
         "snapshotter does not answer; on a schedule.",
         {"namespace", "status", "unpacked"},
         .query = "sum by (status) (containerd_images)"},
    [IMAGE_BYTES] =
        {METRIC_GAUGE,
         "containerd_image_bytes",
         "Declared size of the content that images of this node's platform require, and "
         "of the part that is present; measured on a schedule.",
         {"namespace", "state"},
         .query = "sum by (namespace) (containerd_image_bytes{state=\"present\"})"},
    [IMAGE_STATUS] =
        {METRIC_GAUGE,
         "containerd_image_status",
         "Status of one image: its current status is 1, the others are 0; for the images "
         "that the configuration selects, on a schedule.",
         {"namespace", "image", "status"},
         .query = "containerd_image_status{status!=\"complete\"} == 1"},
    [IMAGE_BLOBS] = {METRIC_GAUGE,
                     "containerd_image_blobs",
                     "Configuration and layers that an image requires, and those that are present; "
                     "for the images that the configuration selects, on a schedule.",
                     {"namespace", "image", "state"},
                     .query = "containerd_image_blobs{state=\"required\"} - ignoring (state) "
                              "containerd_image_blobs{state=\"present\"} > 0"},
    [NOT_COMPLETE_SINCE] = {METRIC_GAUGE,
                            "containerd_image_not_complete_since_timestamp_seconds",
                            "When a check, which runs on a schedule, first found the image neither "
                            "complete nor unpacked.",
                            {"namespace", "image"}},
    [SERIES_DROPPED] = {METRIC_COUNTER,
                        "containerd_series_dropped_total",
                        "Series of single images left out because of max_series, counted in each "
                        "run of the schedule.",
                        {"collector"}},
    [EVENTS] = {METRIC_COUNTER,
                "containerd_events_total",
                "Events of images, content, snapshots and namespaces that containerd sent; updated "
                "on a schedule, and soon after an event.",
                {"topic"}},
    [FAILED_NAMESPACES] = FAILED_NAMESPACES_FAMILY,
    {0},
};

enum { /* which images have series of their own */
    SERIES_NOT_COMPLETE,
    SERIES_ALL,
    SERIES_NONE,
};

static const char *const series_names[] = {"not_complete", "all", "none", NULL};

struct images {
    unsigned series;
    struct setting_list include, exclude;
    uint64_t max_series;
    struct image_inventory *inventory;
    struct namespace_changes *changes;
    bool all_known; /* all namespaces were scanned since the last failure */
    int64_t all_ns; /* time of the last scan of all namespaces */
    double dropped;
};

static const struct setting settings[] = {
    SETTING_CHOICE(struct images, series, "series", series_names, "not_complete",
                   "Which images have series of their own: not_complete, all, none."),
    SETTING(SETTING_LIST, struct images, include, "include", "",
            "Shell patterns: only images whose name matches one of them. Default: all.",
            .example = "[\"registry.example/*\"]"),
    SETTING(SETTING_LIST, struct images, exclude, "exclude", "",
            "Shell patterns: no image whose name matches one of them.",
            .example = "[\"*@sha256:*\"]"),
    SETTING(SETTING_UINT, struct images, max_series, "max_series", "500",
            "Limit of series of single images, at most 10000. An image has up to seven, or none."),
    {0},
};

static bool check(void *state, struct arena *arena, const char **key, struct error *err)
{
    const struct images *job = state;

    (void)arena;
    *key = "max_series";
    return job->max_series <= MAX_SERIES_CEILING ||
           error_set(err, ERROR_INVALID, "must be at most %d", MAX_SERIES_CEILING);
}

static bool open_job(void *state, const struct job_context *context, struct error *err)
{
    struct images *job = state;

    job->inventory = image_inventory_new(context->node->containerd, "", err);
    if (!job->inventory)
        return false;
    job->changes = namespace_changes_new(context->node->containerd, err);
    if (!job->changes)
        image_inventory_free(job->inventory);
    return job->changes;
}

static void close_job(void *state)
{
    struct images *job = state;

    namespace_changes_free(job->changes);
    image_inventory_free(job->inventory);
}

static void report_events(const struct topic_counts *counts, struct snapshot *out)
{
    for (size_t i = 0; i < counts->count; i++)
        snapshot_add(out, EVENTS, (double)counts->items[i].n_events, counts->items[i].topic);
}

static void begin(const void *state, struct snapshot *out)
{
    struct topic_counts counts;

    (void)state;
    topic_counts_init(&counts);
    report_events(&counts, out);
    snapshot_add(out, SERIES_DROPPED, 0, COLLECTOR);
}

/* A manifest may declare a negative size. */
static double positive(int64_t bytes)
{
    return bytes > 0 ? (double)bytes : 0;
}

enum unpacked {
    UNPACKED_FALSE,
    UNPACKED_TRUE,
    UNPACKED_UNKNOWN, /* has samples only where there are such images */
    UNPACKED_VALUES,
};

static enum unpacked unpacked_of(const struct image_verdict *verdict)
{
    if (verdict->unpack_unknown)
        return UNPACKED_UNKNOWN;
    return verdict->unpacked ? UNPACKED_TRUE : UNPACKED_FALSE;
}

static void report_place(const struct image_namespace *place, struct snapshot *out)
{
    static const char *const texts[UNPACKED_VALUES] = {"false", "true", "unknown"};
    size_t images[IMAGE_STATUSES][UNPACKED_VALUES] = {0};
    double required = 0, present = 0;

    for (size_t i = 0; i < place->findings.count; i++) {
        const struct image_verdict *verdict = &place->findings.items[i].verdict;
        images[verdict->status][unpacked_of(verdict)]++;
        required += positive(verdict->required_bytes);
        present += positive(verdict->present_bytes);
    }
    for (size_t status = 0; status < IMAGE_STATUSES; status++)
        for (size_t i = 0; i < UNPACKED_VALUES; i++)
            if (i != UNPACKED_UNKNOWN || images[status][i] > 0)
                snapshot_add(out, IMAGES, (double)images[status][i], place->name,
                             image_status_name((enum image_status)status), texts[i]);
    snapshot_add(out, IMAGE_BYTES, required, place->name, "required");
    snapshot_add(out, IMAGE_BYTES, present, place->name, "present");
}

static bool matches(const struct setting_list *patterns, const char *name)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (fnmatch(patterns->items[i], name, 0) == 0)
            return true;
    return false;
}

static bool is_chosen(const struct images *job, const char *name)
{
    return (job->include.count == 0 || matches(&job->include, name)) &&
           !matches(&job->exclude, name);
}

/* The order in which images get series, until max_series is reached. */
enum rank {
    RANK_BAD,
    RANK_DISCARDED, /* incomplete, but unpacked */
    RANK_COMPLETE,
    RANKS,
};

static enum rank rank_of(const struct image_finding *finding)
{
    if (image_finding_is_bad(finding))
        return RANK_BAD;
    return finding->verdict.status == IMAGE_COMPLETE ? RANK_COMPLETE : RANK_DISCARDED;
}

struct selection {
    struct images *job;
    struct snapshot *out;
    uint64_t n_series;
    struct name_map shown; /* label values in use */
};

/* Two names may be equal after cleaning. A duplicate series would make the whole scrape fail. */
static bool is_new(struct selection *selection, const char *name_space, const char *image,
                   struct error *err)
{
    char clean[LABEL_VALUE_LIMIT_BYTES + 1], key[KEY_BYTES];

    text_clean(clean, sizeof(clean), image, strlen(image));
    snprintf(key, sizeof(key), "%s %s", name_space, clean);
    return !name_map_find(&selection->shown, key, NULL) &&
           name_map_add(&selection->shown, key, 0, err);
}

static void report_image(struct selection *selection, const char *name_space,
                         const struct image_finding *finding)
{
    const struct image_verdict *verdict = &finding->verdict;
    struct snapshot *out = selection->out;
    bool is_bad = finding->since > 0;
    uint64_t n_series = is_bad ? SERIES_PER_IMAGE : SERIES_PER_IMAGE - 1;
    struct error err;

    if (selection->n_series + n_series > selection->job->max_series ||
        !is_new(selection, name_space, finding->name, &err)) {
        selection->job->dropped += (double)n_series;
        return;
    }
    selection->n_series += n_series;
    for (size_t i = 0; i < IMAGE_STATUSES; i++)
        snapshot_add(out, IMAGE_STATUS, verdict->status == i, name_space, finding->name,
                     image_status_name((enum image_status)i));
    snapshot_add(out, IMAGE_BLOBS, (double)verdict->required, name_space, finding->name,
                 "required");
    snapshot_add(out, IMAGE_BLOBS, (double)verdict->present, name_space, finding->name, "present");
    if (is_bad)
        snapshot_add(out, NOT_COMPLETE_SINCE, finding->since, name_space, finding->name);
}

static void report_rank(struct selection *selection, const struct image_namespace *place,
                        enum rank rank)
{
    for (size_t i = 0; i < place->findings.count; i++) {
        const struct image_finding *finding = &place->findings.items[i];

        if (rank_of(finding) == rank && is_chosen(selection->job, finding->name))
            report_image(selection, place->name, finding);
    }
}

static void report_images(struct images *job, const struct image_namespaces *places,
                          struct snapshot *out)
{
    struct selection selection = {.job = job, .out = out, .shown = NAME_MAP_INIT};
    enum rank last = job->series == SERIES_ALL ? RANK_COMPLETE : RANK_DISCARDED;

    for (enum rank rank = RANK_BAD; job->series != SERIES_NONE && rank <= last; rank++)
        for (size_t i = 0; i < places->count; i++)
            if (!places->items[i].has_failed)
                report_rank(&selection, &places->items[i], rank);
    name_map_deinit(&selection.shown);
}

/* A namespace whose scan failed has no samples, instead of old ones. */
static void report(struct images *job, struct snapshot *out)
{
    const struct image_namespaces *places = image_inventory_namespaces(job->inventory);

    for (size_t i = 0; i < places->count; i++)
        if (!places->items[i].has_failed)
            report_place(&places->items[i], out);
    report_images(job, places, out);
}

static bool scan_all(struct images *job, struct cancel *cancel, struct error *err)
{
    const struct image_namespaces *places = image_inventory_namespaces(job->inventory);
    bool is_current;

    if (!image_inventory_begin(job->inventory, true, cancel, err))
        return false;
    is_current = image_inventory_is_current(job->inventory);
    if (!is_current && !image_inventory_list(job->inventory, cancel, err))
        return false;
    for (size_t i = 0; !is_current && i < places->count; i++)
        if (!image_inventory_scan(job->inventory, &places->items[i], places->count - i, cancel,
                                  err))
            return false;
    image_inventory_end(job->inventory, true);
    job->all_ns = clock_now_ns();
    return true;
}

static bool scan_changed(struct images *job, const struct changed_namespaces *changed,
                         struct cancel *cancel, struct error *err)
{
    bool listed = false;

    if (!image_inventory_begin(job->inventory, false, cancel, err))
        return false;
    for (size_t i = 0; i < changed->count; i++) {
        struct image_namespace *place = image_inventory_find(job->inventory, changed->names[i]);
        if (!place && !listed) {
            listed = true;
            if (!image_inventory_list(job->inventory, cancel, err))
                return false;
            place = image_inventory_find(job->inventory, changed->names[i]);
        }
        if (place && !image_inventory_scan(job->inventory, place, changed->count - i, cancel, err))
            return false;
    }
    image_inventory_end(job->inventory, false);
    return true;
}

/* Without pending changes, the run is one of the schedule and scans all namespaces. scan_all()
 * skips the scan if the daemon's database was not written to. */
static bool scan(struct images *job, struct cancel *cancel, struct error *err)
{
    struct changed_namespaces changed;

    namespace_changes_take(job->changes, &changed);
    if (changed.all || changed.count == 0 || !job->all_known ||
        clock_now_ns() - job->all_ns > ALL_AT_LEAST_NS)
        job->all_known = scan_all(job, cancel, err);
    else
        job->all_known = scan_changed(job, &changed, cancel, err);
    return job->all_known;
}

static bool run_job(void *state, struct run *run, struct error *err)
{
    struct images *job = state;
    struct topic_counts counts;
    struct error failure;
    bool ok = scan(job, run->cancel, err);
    size_t n_failed = image_inventory_failures(job->inventory, &failure);

    if (ok)
        report(job, run->out);
    if (ok && n_failed > 0)
        *err = failure;
    snapshot_add(run->out, FAILED_NAMESPACES, (double)n_failed, COLLECTOR);
    namespace_changes_count(job->changes, &counts);
    report_events(&counts, run->out);
    snapshot_add(run->out, SERIES_DROPPED, job->dropped, COLLECTOR);
    return ok && n_failed == 0;
}

static bool watch(void *state, struct cancel *cancel, struct error *err)
{
    struct images *job = state;

    return namespace_changes_wait(job->changes, cancel, err);
}

const struct collector images_collector = {
    .name = COLLECTOR,
    .help = "Completeness of the images in every namespace.",
    .families = families,
    .settings = SETTINGS(settings),
    .state_size = sizeof(struct images),
    .lane = LANE_INVENTORY,
    .interval = "30s",
    .timeout = "10s",
    .check = check,
    .open = open_job,
    .close = close_job,
    .begin = begin,
    .watch = watch,
    .run = run_job,
};
