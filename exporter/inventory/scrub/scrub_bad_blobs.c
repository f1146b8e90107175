/* SPDX-License-Identifier: Apache-2.0 */
#include "inventory/scrub/scrub_bad_blobs.h"

#include <string.h>

#define CAPACITY_FIRST ((size_t)16)

/* Returns the index of the blob, or the index at which it would be inserted. */
static size_t position_of(const struct scrub_bad_blobs *known, const struct scrub_sum *sum)
{
    size_t low = 0, high = known->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (scrub_sum_compare(&known->items[middle].sum, sum) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct scrub_bad_blob *scrub_bad_blobs_find(const struct scrub_bad_blobs *known,
                                                  const struct scrub_sum *sum)
{
    size_t position = position_of(known, sum);

    if (position == known->count || scrub_sum_compare(&known->items[position].sum, sum) != 0)
        return NULL;
    return &known->items[position];
}

static bool make_room(struct scrub_bad_blobs *known, struct error *err)
{
    size_t capacity = known->capacity_ ? known->capacity_ * 2 : CAPACITY_FIRST;
    struct scrub_bad_blob *items;

    if (known->count < known->capacity_)
        return true;
    items = realloc(known->items, capacity * sizeof(*items));
    if (!items)
        return error_memory(err);
    known->items = items;
    known->capacity_ = capacity;
    return true;
}

bool scrub_bad_blobs_add(struct scrub_bad_blobs *known, const struct scrub_sum *sum,
                         enum scrub_kind kind, struct error *err)
{
    size_t position = position_of(known, sum);

    if (!scrub_bad_blobs_find(known, sum)) {
        if (known->count == SCRUB_BAD_BLOBS_MAX)
            return true;
        if (!make_room(known, err))
            return false;
        memmove(&known->items[position + 1], &known->items[position],
                (known->count++ - position) * sizeof(*known->items));
        known->version++;
    } else if (known->items[position].kind != kind) {
        known->version++;
    }
    known->items[position] = (struct scrub_bad_blob){*sum, kind};
    return true;
}

void scrub_bad_blobs_remove(struct scrub_bad_blobs *known, const struct scrub_sum *sum)
{
    size_t position = position_of(known, sum);

    if (!scrub_bad_blobs_find(known, sum))
        return;
    known->count--;
    memmove(&known->items[position], &known->items[position + 1],
            (known->count - position) * sizeof(*known->items));
    known->version++;
}

void scrub_bad_blobs_retain(struct scrub_bad_blobs *known, const struct scrub_blobs *blobs)
{
    size_t kept = 0;

    for (size_t i = 0; i < known->count; i++)
        if (scrub_blobs_find(blobs, &known->items[i].sum))
            known->items[kept++] = known->items[i];
    if (kept != known->count)
        known->version++;
    known->count = kept;
}

void scrub_bad_blobs_deinit(struct scrub_bad_blobs *known)
{
    free(known->items);
    *known = (struct scrub_bad_blobs){0};
}
