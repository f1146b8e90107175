/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/scrub/scrub_blobs.h"

#include "containerd/content.h"
#include "containerd/namespaces.h"

#include <string.h>

#define CAPACITY_FIRST ((size_t)256)

int scrub_sum_compare(const struct scrub_sum *a, const struct scrub_sum *b)
{
    return memcmp(a, b, sizeof(*a));
}

void scrub_sum_text(const struct scrub_sum *sum, char out[DIGEST_TEXT_BYTES])
{
    digest_unpack(sum->algorithm, sum->bytes, out);
}

bool scrub_sum_parse(struct scrub_sum *sum, const char *digest)
{
    return digest_pack(digest, &sum->algorithm, sum->bytes);
}

static bool grow(struct scrub_blobs *blobs, struct error *err)
{
    size_t capacity = blobs->capacity_ ? blobs->capacity_ * 2 : CAPACITY_FIRST;
    struct scrub_blob *items;

    if (blobs->count >= SCRUB_BLOBS_MAX)
        return error_set(err, ERROR_LIMIT, "content store has more than %zu blobs",
                         SCRUB_BLOBS_MAX);
    items = realloc(blobs->items, capacity * sizeof(*items));
    if (!items)
        return error_memory(err);
    blobs->items = items;
    blobs->capacity_ = capacity;
    return true;
}

bool scrub_blobs_add(struct scrub_blobs *blobs, const char *digest, uint64_t size,
                     const char *name_space, struct error *err)
{
    struct scrub_blob blob = {.size = size, .name_space = name_space};

    if (!scrub_sum_parse(&blob.sum, digest)) {
        if (!blobs->example)
            blobs->example = arena_strdup(&blobs->names_, digest);
        return arena_ok(&blobs->names_, err) && name_map_add(&blobs->unverified, digest, size, err);
    }
    if (blobs->count == blobs->capacity_ && !grow(blobs, err))
        return false;
    blobs->items[blobs->count++] = blob;
    return true;
}

static int compare_blobs(const void *a, const void *b)
{
    const struct scrub_blob *one = a, *other = b;

    return scrub_sum_compare(&one->sum, &other->sum);
}

void scrub_blobs_sort(struct scrub_blobs *blobs)
{
    size_t kept = 0;

    if (blobs->count > 0)
        qsort(blobs->items, blobs->count, sizeof(*blobs->items), compare_blobs);
    blobs->bytes = 0;
    for (size_t i = 0; i < blobs->count; i++) {
        const struct scrub_blob *blob = &blobs->items[i];

        if (kept > 0 && compare_blobs(blob, &blobs->items[kept - 1]) == 0)
            continue;
        blobs->bytes += blob->size;
        blobs->items[kept++] = *blob;
    }
    blobs->count = kept;
}

struct listing {
    struct scrub_blobs *blobs;
    const char *const *namespaces;
    const char *name_space; /* that is being listed */
    struct cancel *cancel;
};

static bool add(void *arg, const struct content_info *info, struct error *err)
{
    struct listing *listing = arg;

    return scrub_blobs_add(listing->blobs, info->digest, info->size, listing->name_space, err);
}

bool scrub_namespace_wanted(const char *const *namespaces, const char *name)
{
    if (!namespaces)
        return true;
    while (*namespaces && strcmp(*namespaces, name) != 0)
        namespaces++;
    return *namespaces;
}

static bool list_one(void *arg, const struct scope *scope, struct error *err)
{
    struct listing *listing = arg;

    if (!scrub_namespace_wanted(listing->namespaces, scope->name_space))
        return true;
    listing->name_space = arena_strdup(&listing->blobs->names_, scope->name_space);
    return arena_ok(&listing->blobs->names_, err) &&
           content_list(scope, add, listing, listing->cancel, err);
}

bool scrub_blobs_list(struct scrub_blobs *blobs, struct containerd *containerd,
                      const char *const *namespaces, struct cancel *cancel, struct error *err)
{
    struct listing listing = {.blobs = blobs, .namespaces = namespaces, .cancel = cancel};

    if (!each_namespace(containerd, list_one, &listing, NULL, cancel, err))
        return false;
    scrub_blobs_sort(blobs);
    return true;
}

void scrub_blobs_deinit(struct scrub_blobs *blobs)
{
    free(blobs->items);
    name_map_deinit(&blobs->unverified);
    arena_deinit(&blobs->names_);
    *blobs = (struct scrub_blobs)SCRUB_BLOBS_INIT;
}

const struct scrub_blob *scrub_blobs_after(const struct scrub_blobs *blobs,
                                           const struct scrub_sum *sum)
{
    size_t low = 0, high = blobs->count;

    while (sum && low < high) {
        size_t middle = low + (high - low) / 2;

        if (scrub_sum_compare(&blobs->items[middle].sum, sum) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < blobs->count ? &blobs->items[low] : NULL;
}

const struct scrub_blob *scrub_blobs_find(const struct scrub_blobs *blobs,
                                          const struct scrub_sum *sum)
{
    const struct scrub_blob key = {.sum = *sum};

    return blobs->count
               ? bsearch(&key, blobs->items, blobs->count, sizeof(*blobs->items), compare_blobs)
               : NULL;
}
