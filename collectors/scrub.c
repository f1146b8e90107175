/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds what lists cannot show: blobs whose file is missing, cut short, unreadable or has other
 * bytes than its digest says, and the images that need them. Reads slowly, on a budget, one blob
 * at a time (inventory/scrub/scrub.h); where it is survives a reload.
 */
#include "inventory/scrub/scrub.h"
#include "base/clock.h"
#include "collector/collector.h"
#include "collector/node.h"

#define LOOKS_PER_RUN 2000

/* What was not read while there was no run is not read at once later. */
#define SAVED_MAX_NS (300 * NS_PER_SECOND)
#define FIRST_NS     (1 * NS_PER_SECOND) /* what the first run may read */

enum {
    SCRUBBED_BYTES,
    BAD_BLOBS,
    BAD_IMAGE_INFO,
    SERIES_DROPPED,
    ROTATIONS,
    LAST_ROTATION,
};

static const struct metric_family families[] = {
    [SCRUBBED_BYTES] = {METRIC_COUNTER, "containerd_content_scrubbed_bytes_total",
                        "Bytes of blobs that were read to see whether they are whole; on a "
                        "schedule, within a budget."},
    [BAD_BLOBS] =
        {METRIC_GAUGE,
         "containerd_content_bad_blobs",
         "Blobs that containerd lists and that are not whole, each digest once over all "
         "namespaces: missing_file, truncated, wrong_hash, unreadable; looked for on a schedule.",
         {"kind"},
         .query = "containerd_content_bad_blobs > 0"},
    [BAD_IMAGE_INFO] = {METRIC_INFO,
                        "containerd_content_bad_image_info",
                        "Images that need a blob that is not whole; looked for on a schedule.",
                        {"namespace", "image", "digest", "kind"}},
    [SERIES_DROPPED] = {METRIC_COUNTER,
                        "containerd_series_dropped_total",
                        "Series of single images that max_series cut, counted in each run of the "
                        "schedule.",
                        {"collector"}},
    [ROTATIONS] = {METRIC_COUNTER,
                   "containerd_content_scrub_rotations_total",
                   "How often all blobs were checked: by a look at their last byte, or by a hash "
                   "of all; on a schedule.",
                   {"check"}},
    [LAST_ROTATION] = {METRIC_GAUGE,
                       "containerd_content_scrub_last_rotation_timestamp_seconds",
                       "When all blobs had been checked for the last time, as the schedule and the "
                       "budget allow.",
                       {"check"}},
    {0},
};

struct scrub_job {
    uint64_t bytes_per_second, max_series;
    bool full_hash;
    struct containerd *containerd;
    struct scrub *scrub;
    int64_t last_ns; /* when the budget was spent; 0: never */
    double saved;    /* bytes that were not; less than 0: looks have spent more than there was */
    double dropped;  /* series, in all runs */
};

static const struct setting settings[] = {
    SETTING(SETTING_BYTES, struct scrub_job, bytes_per_second, "bytes_per_second", "1MiB",
            "What it may read on average."),
    SETTING(SETTING_BOOL, struct scrub_job, full_hash, "full_hash", "true",
            "Hash every blob. Without it only its last byte is looked at."),
    SETTING(SETTING_UINT, struct scrub_job, max_series, "max_series", "200",
            "How many images that are hit are told by name; at most 1000."),
    {0},
};

static bool check(void *state, struct arena *arena, const char **key, struct error *err)
{
    const struct scrub_job *job = state;

    (void)arena;
    if (job->bytes_per_second > 0 && job->bytes_per_second <= (uint64_t)1 << 40)
        return true;
    *key = "bytes_per_second";
    return error_set(err, ERROR_INVALID, "bytes_per_second is 1 to 1TiB");
}

static bool open_job(void *state, const struct job_context *context, struct error *err)
{
    struct scrub_job *job = state;

    (void)err;
    job->containerd = context->node->containerd;
    job->scrub = context->node->scrub;
    return true;
}

/* What may be read by now. A job that is new (its settings were changed) begins with little, so
 * that frequent reloads do not multiply the budget. */
static uint64_t allowance(struct scrub_job *job)
{
    int64_t now_ns = clock_now_ns(), past_ns = job->last_ns ? now_ns - job->last_ns : FIRST_NS;
    double most = ns_to_seconds(SAVED_MAX_NS) * (double)job->bytes_per_second;

    job->last_ns = now_ns;
    job->saved += ns_to_seconds(past_ns) * (double)job->bytes_per_second;
    if (job->saved > most)
        job->saved = most;
    return job->saved > 0 ? (uint64_t)job->saved : 0;
}

struct report {
    struct snapshot *out;
    uint64_t images, images_max;
};

static void add_hit(void *arg, const struct scrub_hit *hit)
{
    struct report *report = arg;

    if (report->images++ < report->images_max)
        snapshot_add(report->out, BAD_IMAGE_INFO, 1, hit->name_space, hit->image, hit->digest,
                     scrub_kind_name(hit->kind));
}

static void add_rotation(struct snapshot *out, const char *check, uint64_t n, double last)
{
    snapshot_add(out, ROTATIONS, (double)n, check);
    if (last > 0)
        snapshot_add(out, LAST_ROTATION, last, check);
}

static void show(struct scrub_job *job, struct snapshot *out)
{
    struct report report = {.out = out, .images_max = job->max_series};
    struct scrub_totals totals;

    scrub_totals(job->scrub, &totals);
    scrub_each_hit(job->scrub, add_hit, &report);
    snapshot_add(out, SCRUBBED_BYTES, (double)totals.read_bytes);
    for (size_t kind = 0; kind < SCRUB_KINDS; kind++)
        snapshot_add(out, BAD_BLOBS, (double)totals.bad[kind], scrub_kind_name(kind));
    job->dropped += (double)totals.hits_dropped;
    if (report.images > job->max_series)
        job->dropped += (double)(report.images - job->max_series);
    snapshot_add(out, SERIES_DROPPED, job->dropped, "scrub");
    add_rotation(out, "look", totals.check_rotations, totals.last_check_rotation);
    if (job->full_hash)
        add_rotation(out, "hash", totals.hash_rotations, totals.last_hash_rotation);
}

static bool run_job(void *state, struct run *run, struct error *err)
{
    struct scrub_job *job = state;
    const struct scrub_slice slice = {LOOKS_PER_RUN, job->full_hash ? allowance(job) : 0};
    struct scrub_totals before, after;
    bool ok;

    scrub_totals(job->scrub, &before);
    ok = scrub_run(job->scrub, job->containerd, &slice, run->cancel, err);
    scrub_totals(job->scrub, &after);
    job->saved -= (double)(after.read_bytes - before.read_bytes);
    show(job, run->out);
    return ok;
}

const struct collector scrub_collector = {
    .name = "scrub",
    .help = "Reads all blobs, slowly, and tells which are damaged.",
    .families = families,
    .settings = SETTINGS(settings),
    .state_size = sizeof(struct scrub_job),
    .lane = LANE_INVENTORY,
    .interval = "1m",
    .timeout = "50s",
    .opt_in = true,
    .check = check,
    .open = open_job,
    .run = run_job,
};
