/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/scrub/scrub.h"

#include "base/clock.h"
#include "inventory/scrub/scrub_bad_blobs.h"
#include "inventory/scrub/scrub_images.h"
#include "inventory/scrub/scrub_read.h"

/* What is hashed between two checks of the time. */
#define STEP_BYTES ((uint64_t)8 << 20)

struct rotation {
    struct scrub_sum last; /* the last finished blob */
    bool in_progress;
    uint64_t complete;
    double completed_at;
};

struct scrub {
    struct rotation checks, hashes;
    struct scrub_hash hash; /* unfinished hash of the last slice */
    struct scrub_bad_blobs bad;
    struct scrub_hits hits;
    uint64_t read_bytes;
    size_t unverified; /* in the last slice */
};

/* A slice in progress. */
struct work {
    struct scrub *scrub;
    struct containerd *containerd;
    const struct scrub_blobs *blobs;
    int64_t until_ns; /* end of the slice */
    struct cancel *cancel;
};

const char *scrub_kind_name(enum scrub_kind kind)
{
    static const char *const names[SCRUB_KINDS] = {
        [SCRUB_MISSING_FILE] = "missing_file",
        [SCRUB_TRUNCATED] = "truncated",
        [SCRUB_WRONG_HASH] = "wrong_hash",
        [SCRUB_UNREADABLE] = "unreadable",
    };

    return names[kind];
}

struct scrub *scrub_new(void)
{
    struct scrub *scrub = calloc(1, sizeof(*scrub));

    if (scrub)
        scrub->hits = (struct scrub_hits)SCRUB_HITS_INIT;
    return scrub;
}

void scrub_free(struct scrub *scrub)
{
    scrub_hash_drop(&scrub->hash);
    scrub_bad_blobs_deinit(&scrub->bad);
    scrub_hits_clear(&scrub->hits);
    free(scrub);
}

static const struct scrub_blob *next_blob(const struct rotation *rotation,
                                          const struct scrub_blobs *blobs)
{
    return scrub_blobs_after(blobs, rotation->in_progress ? &rotation->last : NULL);
}

static void advance(struct rotation *rotation, const struct scrub_blob *blob)
{
    rotation->last = blob->sum;
    rotation->in_progress = true;
}

static void complete(struct rotation *rotation)
{
    rotation->in_progress = false;
    rotation->complete++;
    rotation->completed_at = clock_unix_seconds();
}

/* Whether a good last byte clears the blob. It proves nothing about the bytes before. */
static bool last_byte_clears(enum scrub_kind kind)
{
    return kind != SCRUB_WRONG_HASH && kind != SCRUB_UNREADABLE;
}

static bool check_last_byte(struct work *work, const struct scrub_blob *blob, struct error *err)
{
    struct scrub *scrub = work->scrub;
    const struct scrub_bad_blob *known = scrub_bad_blobs_find(&scrub->bad, &blob->sum);
    enum scrub_kind kind;

    switch (scrub_check_last_byte(work->containerd, blob, &kind, &scrub->read_bytes, work->cancel,
                                  err)) {
    case SCRUB_FAILED:
        return false;
    case SCRUB_BAD:
        return scrub_bad_blobs_add(&scrub->bad, &blob->sum, kind, err);
    default:
        if (known && last_byte_clears(known->kind))
            scrub_bad_blobs_remove(&scrub->bad, &blob->sum);
        return true;
    }
}

/* Checks bad blobs again in every slice, to notice a repair. */
static bool recheck_bad(struct work *work, size_t *checks, struct error *err)
{
    const struct scrub_bad_blobs *known = &work->scrub->bad;

    for (size_t i = known->count; i-- > 0 && *checks > 0 && clock_now_ns() < work->until_ns;) {
        if (!last_byte_clears(known->items[i].kind))
            continue;
        --*checks;
        if (!check_last_byte(work, scrub_blobs_find(work->blobs, &known->items[i].sum), err))
            return false;
    }
    return true;
}

static bool check_on(struct work *work, size_t checks, struct error *err)
{
    struct rotation *rotation = &work->scrub->checks;

    for (; checks > 0 && clock_now_ns() < work->until_ns; checks--) {
        const struct scrub_blob *blob = next_blob(rotation, work->blobs);

        if (!blob) {
            complete(rotation);
            return true;
        }
        if (!check_last_byte(work, blob, err))
            return false;
        advance(rotation, blob);
    }
    return true;
}

static bool hash_step(struct work *work, const struct scrub_blob *blob, uint64_t *allowance,
                      enum scrub_answer *answer, struct error *err)
{
    struct scrub *scrub = work->scrub;
    uint64_t step = *allowance < STEP_BYTES ? *allowance : STEP_BYTES, rest = *allowance - step;
    const struct scrub_bad_blob *known;
    enum scrub_kind kind;

    *answer = scrub_hash_on(&scrub->hash, work->containerd, blob, &step, &kind, &scrub->read_bytes,
                            work->cancel, err);
    *allowance = rest + step;
    if (*answer == SCRUB_FAILED)
        return false;
    known = scrub_bad_blobs_find(&scrub->bad, &blob->sum);
    if (*answer == SCRUB_BAD && !known)
        return scrub_bad_blobs_add(&scrub->bad, &blob->sum, kind, err);
    if (*answer == SCRUB_GOOD && known && !last_byte_clears(known->kind))
        scrub_bad_blobs_remove(&scrub->bad, &blob->sum);
    return true;
}

static bool hash_on(struct work *work, uint64_t allowance, struct error *err)
{
    struct rotation *rotation = &work->scrub->hashes;

    while (allowance > 0 && clock_now_ns() < work->until_ns) {
        const struct scrub_blob *blob = next_blob(rotation, work->blobs);
        enum scrub_answer answer;

        if (!blob) {
            complete(rotation);
            return true;
        }
        if (!hash_step(work, blob, &allowance, &answer, err))
            return false;
        if (answer != SCRUB_UNFINISHED)
            advance(rotation, blob);
    }
    return true;
}

static bool is_bad(void *arg, const char *digest, enum scrub_kind *kind)
{
    const struct scrub_bad_blob *item;
    struct scrub_sum sum;

    if (!scrub_sum_parse(&sum, digest))
        return false;
    item = scrub_bad_blobs_find(arg, &sum);
    if (item)
        *kind = item->kind;
    return item;
}

static bool find_hits(struct scrub *scrub, struct containerd *containerd,
                      const char *const *namespaces, struct cancel *cancel, struct error *err)
{
    const struct scrub_verdicts verdicts = {is_bad, &scrub->bad, scrub->bad.version};

    if (scrub->bad.count > 0)
        return scrub_hits_find(&scrub->hits, containerd, namespaces, &verdicts, cancel, err);
    scrub_hits_clear(&scrub->hits);
    return true;
}

bool scrub_run(struct scrub *scrub, struct containerd *containerd, const struct scrub_slice *slice,
               struct cancel *cancel, struct error *err)
{
    CLEANUP(scrub_blobs_deinit) struct scrub_blobs blobs = SCRUB_BLOBS_INIT;
    int64_t now_ns = clock_now_ns();
    struct work work = {scrub, containerd, &blobs, now_ns + (cancel->deadline_ns - now_ns) / 2,
                        cancel};
    size_t checks = slice->checks_max;

    if (!scrub_blobs_list(&blobs, containerd, NULL, cancel, err))
        return false;
    scrub->unverified = blobs.unverified.count;
    scrub_bad_blobs_retain(&scrub->bad, &blobs);
    return recheck_bad(&work, &checks, err) && check_on(&work, checks, err) &&
           hash_on(&work, slice->hash_bytes, err) &&
           find_hits(scrub, containerd, NULL, cancel, err);
}

void scrub_totals(const struct scrub *scrub, struct scrub_totals *totals)
{
    *totals = (struct scrub_totals){
        .read_bytes = scrub->read_bytes,
        .check_rotations = scrub->checks.complete,
        .hash_rotations = scrub->hashes.complete,
        .last_check_rotation = scrub->checks.completed_at,
        .last_hash_rotation = scrub->hashes.completed_at,
        .unverified = scrub->unverified,
        .hits_dropped = scrub->hits.dropped,
    };
    for (size_t i = 0; i < scrub->bad.count; i++)
        totals->bad[scrub->bad.items[i].kind]++;
}

static void report_bad(const struct scrub_observer *observer, const struct scrub_bad_blob *item)
{
    char digest[DIGEST_TEXT_BYTES];

    scrub_sum_text(&item->sum, digest);
    observer->bad(observer->arg, &(struct scrub_bad){digest, item->kind});
}

void scrub_each_hit(const struct scrub *scrub,
                    void (*visit)(void *arg, const struct scrub_hit *hit), void *arg)
{
    for (size_t i = 0; i < scrub->hits.count; i++)
        visit(arg, &scrub->hits.items[i]);
}

static void report(const struct scrub_observer *observer, const struct scrub_progress *progress)
{
    if (observer->progress)
        observer->progress(observer->arg, progress);
}

/* Checks the last byte first. If that is bad, the hash is not needed. */
static bool check_whole(struct work *work, const struct scrub_blob *blob,
                        const struct scrub_observer *observer, struct scrub_progress *progress,
                        struct error *err)
{
    const uint64_t bytes = progress->bytes;
    const struct scrub_bad_blob *item;
    enum scrub_answer answer = SCRUB_UNFINISHED;

    if (!check_last_byte(work, blob, err))
        return false;
    while (answer == SCRUB_UNFINISHED && !scrub_bad_blobs_find(&work->scrub->bad, &blob->sum)) {
        uint64_t allowance = STEP_BYTES;

        if (!hash_step(work, blob, &allowance, &answer, err))
            return false;
        progress->bytes += STEP_BYTES - allowance;
        report(observer, progress);
    }
    progress->bytes = bytes + blob->size;
    progress->blobs++;
    report(observer, progress);
    item = scrub_bad_blobs_find(&work->scrub->bad, &blob->sum);
    if (item && observer->bad)
        report_bad(observer, item);
    return true;
}

bool scrub_everything(struct containerd *containerd, const char *const *namespaces,
                      const struct scrub_observer *observer, struct cancel *cancel,
                      struct error *err)
{
    CLEANUP(scrub_blobs_deinit) struct scrub_blobs blobs = SCRUB_BLOBS_INIT;
    CLEANUP(scrub_freep) struct scrub *scrub = scrub_new();
    struct work work = {scrub, containerd, &blobs, cancel->deadline_ns, cancel};
    struct scrub_progress progress = {0};

    if (!scrub)
        return error_memory(err);
    if (!scrub_blobs_list(&blobs, containerd, namespaces, cancel, err))
        return false;
    if (observer->unverified && blobs.unverified.count > 0)
        observer->unverified(observer->arg, blobs.unverified.count, blobs.example);
    progress.blobs_total = blobs.count;
    progress.bytes_total = blobs.bytes;
    for (size_t i = 0; i < blobs.count; i++)
        if (!check_whole(&work, &blobs.items[i], observer, &progress, err))
            return false;
    if (!find_hits(scrub, containerd, namespaces, cancel, err))
        return false;
    if (observer->hit)
        scrub_each_hit(scrub, observer->hit, observer->arg);
    return true;
}
