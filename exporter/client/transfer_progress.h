/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the progress of a pull amounts to: when its phases ended, and which bytes it did not fetch.
 *
 * It is a witness, not a proof. "complete" is said of a blob that another namespace had as of one
 * that was fetched; "already exists" is said only of what was there, and "downloading" only of what
 * comes over the network.
 */
#ifndef CLIENT_TRANSFER_PROGRESS_H
#define CLIENT_TRANSFER_PROGRESS_H

#include "client/digest_set.h"
#include "client/transfer.h"

#define TRANSFER_BLOBS_MAX ((size_t)4096) /* more are not told apart, and not counted */

struct transfer_blob {
    uint64_t bytes, total;
    bool moved;       /* something else than "already exists" was said of it */
    bool downloading; /* it was seen on its way */
};

struct transfer_progress {
    int64_t resolved_ns, fetched_ns;        /* monotonic; 0: not seen */
    int64_t unpack_from_ns, unpack_till_ns; /* likewise; daemons before 2.2 do not tell */
    size_t n_layers;                        /* that were spoken of */
    /* Private. */
    struct transfer_blob *blobs;
    size_t n_blobs;
    struct digest_set places;
};

#define TRANSFER_PROGRESS_INIT    \
    {                             \
        .places = DIGEST_SET_INIT \
    }

void transfer_progress_add(struct transfer_progress *progress, const struct transfer_event *event);
void transfer_progress_deinit(struct transfer_progress *progress);

/* Of blobs that were there before. */
uint64_t transfer_progress_existing_bytes(const struct transfer_progress *progress);
/* Of blobs that were seen on their way: at least this much crossed the network. */
uint64_t transfer_progress_seen_bytes(const struct transfer_progress *progress);

#endif
