/* SPDX-License-Identifier: Apache-2.0 */
/* The set of blobs that are known to be bad, sorted by digest. */
#pragma once

#include "inventory/scrub/scrub.h"
#include "inventory/scrub/scrub_blobs.h"

#define SCRUB_BAD_BLOBS_MAX ((size_t)10000) /* further ones are not added */

struct scrub_bad_blob {
    struct scrub_sum sum;
    enum scrub_kind kind;
};

struct scrub_bad_blobs {
    struct scrub_bad_blob *items;
    size_t count;
    uint64_t version; /* changes with every change */
    size_t capacity_; /* private */
};

bool scrub_bad_blobs_add(struct scrub_bad_blobs *known, const struct scrub_sum *sum,
                         enum scrub_kind kind, struct error *err) MUST_CHECK;
void scrub_bad_blobs_remove(struct scrub_bad_blobs *known, const struct scrub_sum *sum);
/* Removes what is not among `blobs`. */
void scrub_bad_blobs_retain(struct scrub_bad_blobs *known, const struct scrub_blobs *blobs);
/* Returns NULL if the blob is not known to be bad. */
const struct scrub_bad_blob *scrub_bad_blobs_find(const struct scrub_bad_blobs *known,
                                                  const struct scrub_sum *sum);
void scrub_bad_blobs_deinit(struct scrub_bad_blobs *known);
