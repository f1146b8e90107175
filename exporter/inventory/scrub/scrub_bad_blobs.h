/* SPDX-License-Identifier: Apache-2.0 */
/* The blobs that are known to be bad, in the order of their digests. */
#ifndef INVENTORY_SCRUB_SCRUB_BAD_BLOBS_H
#define INVENTORY_SCRUB_SCRUB_BAD_BLOBS_H

#include "inventory/scrub/scrub.h"
#include "inventory/scrub/scrub_blobs.h"

#define SCRUB_KNOWN_MAX ((size_t)10000) /* a store with more needs no list of them */

struct scrub_known_item {
    struct scrub_sum sum;
    enum scrub_kind kind;
};

struct scrub_known {
    struct scrub_known_item *items;
    size_t count;
    uint64_t version; /* changes with every change */
    size_t capacity_; /* private */
};

bool scrub_known_add(struct scrub_known *known, const struct scrub_sum *sum, enum scrub_kind kind,
                     struct error *err) MUST_CHECK;
void scrub_known_remove(struct scrub_known *known, const struct scrub_sum *sum);
/* Forgets what is not among `blobs` any more. */
void scrub_known_retain(struct scrub_known *known, const struct scrub_blobs *blobs);
/* NULL: not known to be bad. */
const struct scrub_known_item *scrub_known_find(const struct scrub_known *known,
                                                const struct scrub_sum *sum);
void scrub_known_deinit(struct scrub_known *known);

#endif
