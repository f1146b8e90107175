/* SPDX-License-Identifier: Apache-2.0 */
/* One blob under the lens: a look at its last byte, or a hash that may stop and go on. */
#ifndef INVENTORY_SCRUB_SCRUB_READ_H
#define INVENTORY_SCRUB_SCRUB_READ_H

#include "inventory/scrub/scrub.h"
#include "inventory/scrub/scrub_blobs.h"

enum scrub_answer {
    SCRUB_GOOD, /* or deleted meanwhile, which is as good */
    SCRUB_BAD,
    SCRUB_UNFINISHED, /* of a hash: the allowance is spent */
    SCRUB_FAILED,     /* the daemon, not the blob: *err tells */
};

/* `*kind` is set with SCRUB_BAD. Bytes that came are added to *read_bytes. */
enum scrub_answer scrub_check_last_byte(struct containerd *containerd,
                                        const struct scrub_blob *blob, enum scrub_kind *kind,
                                        uint64_t *read_bytes, struct cancel *cancel,
                                        struct error *err);

/* A hash that is not finished. */
struct scrub_hash {
    struct digest *digest; /* NULL: none */
    struct scrub_sum sum;
    uint64_t offset;
};

/* Goes on with this blob where *hash has it, or begins it. Reads at most *allowance bytes and
 * takes them off. */
enum scrub_answer scrub_hash_on(struct scrub_hash *hash, struct containerd *containerd,
                                const struct scrub_blob *blob, uint64_t *allowance,
                                enum scrub_kind *kind, uint64_t *read_bytes, struct cancel *cancel,
                                struct error *err);
void scrub_hash_drop(struct scrub_hash *hash);

#endif
