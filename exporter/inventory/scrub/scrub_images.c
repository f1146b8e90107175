/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/scrub/scrub_images.h"

#include "base/text.h"
#include "containerd/content.h"
#include "containerd/images.h"
#include "containerd/namespaces.h"
#include "inventory/scrub/scrub_blobs.h"

#include <string.h>

#define RECORDS_LIMIT_BYTES  ((size_t)64 << 20)
#define DOCUMENT_LIMIT_BYTES ((size_t)64 << 20) /* parsed */
#define DOCUMENTS_MAX        256                /* of one image: an index and its manifests */

struct search {
    struct scrub_hits *hits;
    const char *const *namespaces;
    const struct scrub_verdicts *verdicts;
    struct cancel *cancel;
    uint64_t fingerprint; /* of the verdicts and of the images with their targets */
    bool only_fingerprint;
};

/* The documents of one image that are to be read. */
struct queue {
    struct descriptor items[DOCUMENTS_MAX];
    size_t n, done;
};

static void mix(uint64_t *hash, const char *text)
{
    *hash = text_hash(*hash, text) * UINT64_C(1099511628211); /* as if the NUL were hashed too */
}

static bool is_added(const struct scrub_hits *hits, const struct scope *scope, const char *image,
                     const char *digest)
{
    for (size_t i = hits->count; i-- > 0;) {
        const struct scrub_hit *hit = &hits->items[i];

        if (strcmp(hit->image, image) != 0 || strcmp(hit->name_space, scope->name_space) != 0)
            return false;
        if (strcmp(hit->digest, digest) == 0)
            return true;
    }
    return false;
}

static bool add_hit(struct search *search, const struct scope *scope, const char *image,
                    const struct scrub_bad *bad, struct error *err)
{
    struct scrub_hits *hits = search->hits;
    struct scrub_hit hit = {.kind = bad->kind};

    if (is_added(hits, scope, image, bad->digest))
        return true;
    if (hits->count == SCRUB_HITS_MAX) {
        hits->dropped++;
        return true;
    }
    hit.name_space = arena_strdup(&hits->arena_, scope->name_space);
    hit.image = arena_strdup(&hits->arena_, image);
    hit.digest = arena_strdup(&hits->arena_, bad->digest);
    if (!arena_ok(&hits->arena_, err))
        return false;
    hits->items[hits->count++] = hit;
    return true;
}

static bool check_blob(struct search *search, const struct scope *scope, const char *image,
                       const struct descriptor *blob, struct error *err)
{
    struct scrub_bad bad = {.digest = blob->digest};

    return !search->verdicts->is_bad(search->verdicts->arg, bad.digest, &bad.kind) ||
           add_hit(search, scope, image, &bad, err);
}

static void enqueue(struct queue *queue, const struct descriptor *blob)
{
    if (manifest_kind(blob->media_type) != MANIFEST_OTHER && queue->n < DOCUMENTS_MAX)
        queue->items[queue->n++] = *blob;
}

/* Whether the document is to blame, not the daemon. Clears *err if so. */
static bool is_fault_of_document(struct error *err)
{
    if (err->code == ERROR_CANCELED || err->code == ERROR_TIMEOUT ||
        error_code_is_unreachable(err->code) || err->code == ERROR_MEMORY)
        return false;
    error_clear(err);
    return true;
}

/* A document that cannot be read or parsed needs no other blobs. */
static bool read_document(struct search *search, const struct scope *scope, const char *image,
                          struct queue *queue, struct arena *arena, struct error *err)
{
    CLEANUP(buf_deinit) struct buf data = BUF_INIT(MANIFEST_LIMIT_BYTES);
    const struct descriptor *blob = &queue->items[queue->done++];
    struct manifest manifest;

    if (!content_read(scope, blob->digest, &data, search->cancel, err))
        return is_fault_of_document(err);
    if (!manifest_parse(&manifest, blob->media_type, data.data ? data.data : "", data.size, arena,
                        err))
        return is_fault_of_document(err);
    if (manifest.kind == MANIFEST_IMAGE && !check_blob(search, scope, image, &manifest.config, err))
        return false;
    for (size_t i = 0; i < manifest.n_children; i++) {
        if (!check_blob(search, scope, image, &manifest.children[i], err))
            return false;
        enqueue(queue, &manifest.children[i]);
    }
    return true;
}

static bool walk(struct search *search, const struct scope *scope,
                 const struct image_record *record, struct error *err)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(DOCUMENT_LIMIT_BYTES);
    CLEANUP(freep) struct queue *queue = calloc(1, sizeof(*queue));

    if (!queue)
        return error_memory(err);
    if (!check_blob(search, scope, record->name, &record->target, err))
        return false;
    enqueue(queue, &record->target);
    while (queue->done < queue->n)
        if (!read_document(search, scope, record->name, queue, &arena, err))
            return false;
    return true;
}

static bool visit(void *arg, const struct scope *scope, struct error *err)
{
    struct search *search = arg;
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(RECORDS_LIMIT_BYTES);
    struct image_records records;

    if (!scrub_namespace_wanted(search->namespaces, scope->name_space))
        return true;
    if (!images_list(scope, &arena, &records, search->cancel, err))
        return false;
    mix(&search->fingerprint, scope->name_space);
    for (size_t i = 0; i < records.count; i++) {
        mix(&search->fingerprint, records.items[i].name);
        mix(&search->fingerprint, records.items[i].target.digest);
        if (!search->only_fingerprint && !walk(search, scope, &records.items[i], err))
            return false;
    }
    return true;
}

static bool visit_all(struct search *search, struct containerd *containerd, bool only_fingerprint,
                      struct error *err)
{
    search->only_fingerprint = only_fingerprint;
    search->fingerprint = search->verdicts->version;
    return each_namespace(containerd, visit, search, NULL, search->cancel, err);
}

bool scrub_hits_find(struct scrub_hits *hits, struct containerd *containerd,
                     const char *const *namespaces, const struct scrub_verdicts *verdicts,
                     struct cancel *cancel, struct error *err)
{
    CLEANUP(scrub_hits_clear) struct scrub_hits fresh = SCRUB_HITS_INIT;
    struct search search = {&fresh, namespaces, verdicts, cancel, 0, false};

    if (!visit_all(&search, containerd, true, err))
        return false;
    if (hits->items && search.fingerprint == hits->fingerprint_)
        return true;
    fresh.items = calloc(SCRUB_HITS_MAX, sizeof(*fresh.items));
    if (!fresh.items)
        return error_memory(err);
    if (!visit_all(&search, containerd, false, err))
        return false;
    scrub_hits_clear(hits);
    *hits = fresh;
    hits->fingerprint_ = search.fingerprint;
    fresh = (struct scrub_hits)SCRUB_HITS_INIT;
    return true;
}

void scrub_hits_clear(struct scrub_hits *hits)
{
    free(hits->items);
    arena_deinit(&hits->arena_);
    *hits = (struct scrub_hits)SCRUB_HITS_INIT;
}
