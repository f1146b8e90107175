/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds damage that lists do not show: blobs whose file is missing, truncated, unreadable or does
 * not match its digest, and the images that need these blobs. Reads slowly, on a budget, one blob
 * at a time (inventory/scrub/scrub.h); where it is survives a reload.
 */

#include "inventory/scrub/scrub.h"
#include "base/clock.h"
#include "collector/collector.h"
#include "collector/node.h"

#define LOOKS_PER_RUN 2000

/* Limits the burst after a long pause. */
#define SAVED_MAX_NS (300 * NS_PER_SECOND)
#define FIRST_NS     (1 * NS_PER_SECOND) /* the first run's share */

enum {
    SCRUBBED_BYTES,
    BAD_BLOBS,
    BAD_IMAGE_INFO,
    UNVERIFIED_BLOBS,
    SERIES_DROPPED,
    ROTATIONS,
    LAST_ROTATION,
};

static const struct metric_family families[] = {
    [SCRUBBED_BYTES] = {METRIC_COUNTER, "containerd_content_scrubbed_bytes_total",
                        "Bytes of blobs that the scrubber has read; on a schedule, within a "
                        "budget."},
    [BAD_BLOBS] =
        {METRIC_GAUGE,
         "containerd_content_bad_blobs",
         "Damaged blobs that containerd lists, each digest once over all namespaces: missing_file, "
         "truncated, wrong_hash, unreadable; checked on a schedule.",
         {"kind"},
         .query = "containerd_content_bad_blobs > 0"},
    [BAD_IMAGE_INFO] = {METRIC_INFO,
                        "containerd_content_bad_image_info",
                        "Images that need a damaged blob; checked on a schedule.",
                        {"namespace", "image", "digest", "kind"}},
    [UNVERIFIED_BLOBS] = {METRIC_GAUGE, "containerd_content_unverified_blobs",
                          "Blobs that the scrubber does not check, because the algorithm of their "
                          "digest is unknown; checked on a schedule.",
                          .query = "containerd_content_unverified_blobs > 0"},
    [SERIES_DROPPED] = {METRIC_COUNTER,
                        "containerd_series_dropped_total",
                        "Series of single images left out because of max_series, counted in each "
                        "run of the schedule.",
                        {"collector"}},
    [ROTATIONS] = {METRIC_COUNTER,
                   "containerd_content_scrub_rotations_total",
                   "Complete rotations over all blobs, by a read of the last byte (look) or by a "
                   "hash of all bytes (hash); on a schedule.",
                   {"check"}},
    [LAST_ROTATION] = {METRIC_GAUGE,
                       "containerd_content_scrub_last_rotation_timestamp_seconds",
                       "When the last complete rotation over all blobs ended.",
                       {"check"}},
    {0},
};

struct scrub_job {
    uint64_t bytes_per_second, max_series;
    bool full_hash;
    struct containerd *containerd;
    struct scrub *scrub;
    int64_t last_ns; /* time of the last run; 0: none */
    double saved;    /* unused bytes of the budget; negative: the last run exceeded it */
    double dropped;  /* series, in all runs */
};

static const struct setting settings[] = {
    SETTING(SETTING_BYTES, struct scrub_job, bytes_per_second, "bytes_per_second", "1MiB",
            "Bytes that the scrubber may read per second on average."),
    SETTING(SETTING_BOOL, struct scrub_job, full_hash, "full_hash", "true",
            "Whether the scrubber hashes every blob. Without it, it reads the last byte only."),
    SETTING(SETTING_UINT, struct scrub_job, max_series, "max_series", "200",
            "How many damaged images have a series of their own; at most 1000."),
    {0},
};

static bool check(void *state, struct arena *arena, const char **key, struct error *err)
{
    const struct scrub_job *job = state;

    (void)arena;
    if (job->bytes_per_second > 0 && job->bytes_per_second <= (uint64_t)1 << 40)
        return true;
    *key = "bytes_per_second";
    return error_set(err, ERROR_INVALID, "bytes_per_second must be 1 to 1TiB");
}

static bool open_job(void *state, const struct job_context *context, struct error *err)
{
    struct scrub_job *job = state;

    (void)err;
    job->containerd = context->node->containerd;
    job->scrub = context->node->scrub;
    return true;
}

/* Returns the bytes that the run may read. A new job (its settings changed) begins with one
 * second's worth, so that frequent reloads do not multiply the budget. */
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
    snapshot_add(out, UNVERIFIED_BLOBS, (double)totals.unverified);
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
    .help = "Reads all blobs slowly, and reports those that are damaged.",
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
