/* SPDX-License-Identifier: Apache-2.0 */
/* Checks one blob: by its last byte, or by a hash that can be interrupted and continued. */
#pragma once

#include "inventory/scrub/scrub.h"
#include "inventory/scrub/scrub_blobs.h"

enum scrub_answer {
    SCRUB_GOOD, /* or deleted in the meantime */
    SCRUB_BAD,
    SCRUB_UNFINISHED, /* hash only: the allowance is used up */
    SCRUB_FAILED,     /* the daemon failed; see *err */
};

/* Sets *kind if the result is SCRUB_BAD. Adds the received bytes to *read_bytes. */
enum scrub_answer scrub_check_last_byte(struct containerd *containerd,
                                        const struct scrub_blob *blob, enum scrub_kind *kind,
                                        uint64_t *read_bytes, struct cancel *cancel,
                                        struct error *err);

/* An unfinished hash. */
struct scrub_hash {
    struct digest *digest; /* NULL: none */
    struct scrub_sum sum;
    uint64_t offset;
};

/* Continues the hash of this blob, or begins it if *hash is of another blob. Reads at most
 * *allowance bytes and subtracts them from it. */
enum scrub_answer scrub_hash_on(struct scrub_hash *hash, struct containerd *containerd,
                                const struct scrub_blob *blob, uint64_t *allowance,
                                enum scrub_kind *kind, uint64_t *read_bytes, struct cancel *cancel,
                                struct error *err);
void scrub_hash_drop(struct scrub_hash *hash);
