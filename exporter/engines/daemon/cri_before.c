/* SPDX-License-Identifier: Apache-2.0 */
#include "engines/daemon/cri_before.h"

#include "oci/digest.h"

#include <string.h>

#define ARENA_LIMIT_BYTES ((size_t)64 << 20)

static bool is_named_by(const struct lease *lease, const struct image_record *record)
{
    const char *image = cri_claim_image(lease);
    size_t size = cri_claim_repository_bytes(image);

    return strcmp(record->name, image) == 0 ||
           (strncmp(record->name, image, size) == 0 && record->name[size] == '@');
}

static bool is_after(const struct lease *lease, const struct image_record *record)
{
    int64_t started_unix_ns;

    return cri_claim_started(lease, &started_unix_ns) && record->created_unix_ns >= started_unix_ns;
}

/* Leases of the runs that were at work before or after the list of images was made. */
struct other_runs {
    const struct cri_claim *claim;
    struct leases leases[2];
};

/* Whether one of the runs has created the record or, if it is not `named`, may have done so. */
static bool is_made_by(const struct other_runs *runs, const struct image_record *record, bool named)
{
    for (size_t i = 0; i < sizeof(runs->leases) / sizeof(runs->leases[0]); i++)
        for (size_t k = 0; k < runs->leases[i].count; k++) {
            const struct lease *lease = &runs->leases[i].items[k];

            if (cri_claim_is_others(runs->claim, lease) && is_after(lease, record) &&
                (!named || is_named_by(lease, record)))
                return true;
        }
    return false;
}

/* CRI names a third record of an image by its id. It belongs to the runs if all other names of the
 * content do, also if these are of several runs, or if a run that has ended has made it. */
static bool is_others(const struct other_runs *runs, const struct image_records *records,
                      const struct image_record *record)
{
    bool any = false;

    if (!digest_valid(record->name))
        return is_made_by(runs, record, true);
    for (size_t i = 0; i < records->count; i++) {
        const struct image_record *other = &records->items[i];

        if (other == record || strcmp(other->target.digest, record->target.digest) != 0)
            continue;
        if (!is_made_by(runs, other, true))
            return false;
        any = true;
    }
    return any || is_made_by(runs, record, false);
}

bool cri_before_read(const struct cri_claim *claim, struct arena *arena, struct image_records *all,
                     struct image_records *before, struct cancel *cancel, struct error *err)
{
    CLEANUP(arena_deinit) struct arena own = ARENA_INIT(ARENA_LIMIT_BYTES);
    struct other_runs runs = {.claim = claim};

    if (!leases_list(claim->scope, &own, &runs.leases[0], cancel, err) ||
        !images_list(claim->scope, arena, all, cancel, err) ||
        !leases_list(claim->scope, &own, &runs.leases[1], cancel, err))
        return false;
    *before =
        (struct image_records){arena_alloc(arena, (all->count + 1) * sizeof(*before->items)), 0};
    if (!before->items)
        return arena_ok(arena, err);
    for (size_t i = 0; i < all->count; i++)
        if (!is_others(&runs, all, &all->items[i]))
            before->items[before->count++] = all->items[i];
    return true;
}
