/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/image_scan.h"

#include "base/text.h"
#include "containerd/content.h"
#include "containerd/images.h"

#include <string.h>

#define RECORDS_LIMIT_BYTES ((size_t)64 << 20) /* the images of one namespace */
#define RECORD_LIMIT_BYTES  ((size_t)1 << 20)
#define PASSES_MAX          3 /* over a namespace that changes in the meantime */
#define ONE_BY_ONE_MAX      8 /* unsettled images; if there are more, everything is listed again */
#define SUSPECTS_MAX        4 /* blobs per image that the daemon is asked for */

/* The namespace at the time of one pass, as the check sees it. */
struct view {
    struct image_scanner *scanner;
    struct scope scope;
    struct cancel *cancel;
    /* Of the checked image: blobs that were missing or unreadable. */
    uint64_t missing;
    size_t n_suspects;
    struct suspect {
        const char *digest;
        bool listed;
    } suspects[SUSPECTS_MAX];
};

void image_findings_deinit(struct image_findings *findings)
{
    arena_deinit(&findings->arena_);
    *findings = (struct image_findings)IMAGE_FINDINGS_INIT;
}

bool image_finding_is_bad(const struct image_finding *finding)
{
    const struct image_verdict *verdict = &finding->verdict;

    return verdict->status != IMAGE_COMPLETE &&
           !(verdict->status == IMAGE_INCOMPLETE && (verdict->unpacked || verdict->unpack_unknown));
}

static void suspect(struct view *view, const char *digest, bool listed)
{
    view->missing = text_hash(view->missing * 31 + listed + 1, digest);
    for (size_t i = 0; i < view->n_suspects; i++)
        if (strcmp(view->suspects[i].digest, digest) == 0)
            return;
    if (view->n_suspects < SUSPECTS_MAX)
        view->suspects[view->n_suspects++] = (struct suspect){digest, listed};
}

/* Reads from the directory if possible, else from the daemon, whose errors count. */
static bool read_blob(void *arg, const struct image_blob *blob, struct buf *out, bool *certain,
                      struct error *err)
{
    const struct view *view = arg;

    *certain = content_files_read(&view->scanner->files, blob->digest, blob->size, out);
    if (*certain)
        return true;
    buf_clear(out);
    return content_read(&view->scope, blob->digest, out, view->cancel, err);
}

static bool size_of(void *arg, const char *digest, uint64_t *size)
{
    struct view *view = arg;

    if (name_map_find(&view->scanner->content, digest, size))
        return true;
    suspect(view, digest, false);
    return false;
}

static enum image_lookup find_manifest(void *arg, const struct image_blob *blob,
                                       const char *media_type, const struct manifest **manifest)
{
    struct view *view = arg;
    const struct image_source source = {read_blob, arg};
    enum image_lookup found =
        image_cache_manifest(view->scanner->cache, &source, blob, media_type, manifest);

    if (found != IMAGE_FOUND && !blob->data)
        suspect(view, blob->digest, true);
    return found;
}

static enum image_lookup find_config(void *arg, const struct image_blob *blob,
                                     const struct image_config_facts **config)
{
    struct view *view = arg;
    const struct image_source source = {read_blob, arg};
    enum image_lookup found = image_cache_config(view->scanner->cache, &source, blob, config);

    if (found != IMAGE_FOUND && !blob->data)
        suspect(view, blob->digest, true);
    return found;
}

static enum image_lookup find_snapshot(void *arg, const char *config_digest, const char *chain_id)
{
    const struct view *view = arg;

    return image_snapshotters_find(&view->scanner->snapshotters, config_digest, chain_id);
}

static bool judge(struct view *view, struct image_finding *finding, struct error *err)
{
    const struct image_facts facts = {.rules = view->scanner->rules,
                                      .matcher = &view->scanner->matcher,
                                      .size_of = size_of,
                                      .manifest = find_manifest,
                                      .config = find_config,
                                      .snapshot = find_snapshot,
                                      .arg = view};
    const struct descriptor target = {.media_type = finding->media_type, .digest = finding->digest};

    view->missing = 0;
    view->n_suspects = 0;
    image_check(&finding->verdict, &target, &facts);
    finding->missing_ = view->missing;
    finding->settled_ = finding->verdict.status == IMAGE_COMPLETE;
    return image_cache_ok(view->scanner->cache, err);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct image_finding *)a)->name, ((const struct image_finding *)b)->name);
}

static bool judge_all(struct view *view, const struct image_records *records,
                      struct image_findings *findings, struct error *err)
{
    struct arena *arena = &findings->arena_;

    findings->items = arena_alloc(arena, records->count * sizeof(*findings->items));
    for (size_t i = 0; findings->items && i < records->count; i++) {
        const struct image_record *record = &records->items[i];
        struct image_finding *finding = &findings->items[findings->count];

        finding->name = arena_strdup(arena, record->name);
        finding->media_type = arena_strdup(arena, record->target.media_type);
        finding->digest = arena_strdup(arena, record->target.digest);
        if (!finding->digest || !judge(view, finding, err))
            break;
        findings->count++;
    }
    if (!image_cache_ok(view->scanner->cache, err) || !arena_ok(arena, err))
        return false;
    qsort(findings->items, findings->count, sizeof(*findings->items), compare_names);
    return true;
}

static bool add_content(void *arg, const struct content_info *info, struct error *err)
{
    struct image_scanner *scanner = arg;

    return name_map_add(&scanner->content, info->digest, info->size, err) &&
           image_snapshotters_note(&scanner->snapshotters, info->digest, info->snapshotters, err);
}

/* Lists content and snapshots at the same time, so that the daemon uses two cores for thousands of
 * them. The images must have been listed before, because a pull writes them last. */
static bool list_rest(struct view *view, struct error *err)
{
    struct image_scanner *scanner = view->scanner;
    struct rpc_stream *stream;
    struct error ignored;

    if (!image_snapshotters_open(&scanner->snapshotters, &view->scope, &stream, view->cancel, err))
        return false;
    if (!content_list(&view->scope, add_content, scanner, view->cancel, err)) {
        if (stream)
            (void)containerd_stream_close(&view->scope, stream, &ignored);
        return false;
    }
    return image_snapshotters_list(&scanner->snapshotters, stream, &view->scope, view->cancel, err);
}

static bool list(struct view *view, struct image_findings *findings, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(RECORDS_LIMIT_BYTES);
    struct image_records records;

    name_map_clear(&view->scanner->content);
    image_snapshotters_clear(&view->scanner->snapshotters);
    return images_list(&view->scope, &arena, &records, view->cancel, err) &&
           (records.count == 0 || list_rest(view, err)) && judge_all(view, &records, findings, err);
}

static struct image_finding *find(const struct image_findings *findings, const char *name)
{
    const struct image_finding key = {.name = name};

    if (findings->count == 0)
        return NULL;
    return bsearch(&key, findings->items, findings->count, sizeof(key), compare_names);
}

static bool is_same(const struct image_finding *a, const struct image_finding *b)
{
    return a && a->verdict.status == b->verdict.status && a->missing_ == b->missing_ &&
           strcmp(a->digest, b->digest) == 0 && strcmp(a->media_type, b->media_type) == 0;
}

/* Settles verdicts that were settled before, and those that two passes in a row have found. Returns
 * the number of unsettled ones. */
static size_t settle(struct image_findings *fresh, const struct image_findings *before,
                     const struct image_findings *previous)
{
    size_t n_unsettled = 0;

    for (size_t i = 0; i < fresh->count; i++) {
        struct image_finding *finding = &fresh->items[i];
        const struct image_finding *old;

        if (finding->settled_)
            continue;
        old = find(before, finding->name);
        finding->settled_ = (is_same(old, finding) && old->settled_) ||
                            is_same(find(previous, finding->name), finding);
        n_unsettled += !finding->settled_;
    }
    return n_unsettled;
}

/* Asks the daemon for each suspect. *same is whether its answers match the list. */
static bool check_suspects(const struct view *view, bool *same, struct error *err)
{
    *same = true;
    for (size_t i = 0; *same && i < view->n_suspects; i++) {
        uint64_t size;
        bool found = content_size(&view->scope, view->suspects[i].digest, &size, view->cancel, err);

        if (!found && !error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND))
            return false;
        *same = found == view->suspects[i].listed;
    }
    return true;
}

/* Asks the daemon for one image. Sets *outdated if the lists do not match its answers. */
static bool confirm(struct view *view, struct image_finding *finding, bool *outdated,
                    struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(RECORD_LIMIT_BYTES);
    struct image_record record;

    if (!images_get(&view->scope, finding->name, &arena, &record, view->cancel, err))
        return error_is_expected(err, STATUS_GRPC, RPC_NOT_FOUND); /* gone: stays unsettled */
    *outdated = strcmp(record.target.digest, finding->digest) != 0 ||
                strcmp(record.target.media_type, finding->media_type) != 0;
    if (*outdated)
        return true;
    if (!judge(view, finding, err) || !check_suspects(view, &finding->settled_, err))
        return false;
    *outdated = !finding->settled_;
    return true;
}

static bool confirm_all(struct view *view, struct image_findings *fresh, bool *outdated,
                        struct error *err)
{
    for (size_t i = 0; !*outdated && i < fresh->count; i++)
        if (!fresh->items[i].settled_ && !confirm(view, &fresh->items[i], outdated, err))
            return false;
    return true;
}

/* Drops images that are gone or that change too fast to be judged, and dates the bad ones. */
static void conclude(struct image_findings *fresh, const struct image_findings *before)
{
    double now = clock_unix_seconds();
    size_t count = 0;

    for (size_t i = 0; i < fresh->count; i++) {
        struct image_finding *finding = &fresh->items[i];
        const struct image_finding *old = find(before, finding->name);

        if (!finding->settled_)
            continue;
        if (image_finding_is_bad(finding))
            finding->since = old && old->since > 0 ? old->since : now;
        fresh->items[count++] = *finding;
    }
    fresh->count = count;
}

bool image_scan(struct image_scanner *scanner, const char *name_space, const char *snapshotter,
                struct image_findings *findings, struct cancel *cancel, struct error *err)
{
    CLEANUP(image_findings_deinit) struct image_findings previous = IMAGE_FINDINGS_INIT;
    CLEANUP(image_findings_deinit) struct image_findings fresh = IMAGE_FINDINGS_INIT;
    struct view view = {.scanner = scanner,
                        .scope = {.daemon = scanner->daemon, .name_space = name_space},
                        .cancel = cancel};
    bool outdated = true;

    image_cache_forgive(scanner->cache);
    image_snapshotters_begin(&scanner->snapshotters, snapshotter, scanner->only_own);
    for (size_t passes = 0; outdated && passes < PASSES_MAX; passes++) {
        image_findings_deinit(&previous);
        previous = fresh;
        fresh = (struct image_findings)IMAGE_FINDINGS_INIT;
        if (!list(&view, &fresh, err))
            return false;
        outdated = settle(&fresh, findings, &previous) > ONE_BY_ONE_MAX;
        if (!outdated && !confirm_all(&view, &fresh, &outdated, err))
            return false;
    }
    conclude(&fresh, findings);
    fresh.failure = scanner->snapshotters.failure;
    image_findings_deinit(findings);
    *findings = fresh;
    fresh = (struct image_findings)IMAGE_FINDINGS_INIT;
    return true;
}
