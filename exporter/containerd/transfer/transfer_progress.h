/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the progress of a transfer amounts to: when its phases ended, and which bytes it did not
 * move.
 *
 * It is a witness, not a proof. "complete" is said of a blob that another namespace had as of one
 * that was fetched; "already exists" is said only of what was there, and "downloading" only of what
 * comes over the network.
 *
 * Of a push, "complete" is said only of what was sent, and every 0.3 s how far the rest has come:
 * what a phase took is known no better than that.
 */
#ifndef CONTAINERD_TRANSFER_TRANSFER_PROGRESS_H
#define CONTAINERD_TRANSFER_TRANSFER_PROGRESS_H

#include "base/progress.h"
#include "containerd/transfer/transfer.h"
#include "oci/name_map.h"

#define TRANSFER_BLOBS_MAX ((size_t)4096) /* more are not told apart, and not counted */

struct transfer_blob {
    uint64_t bytes, total;
    bool moved;       /* something else than "already exists" was said of it */
    bool downloading; /* it was seen on its way */
    unsigned n_named; /* how often the image that is pushed names it, as far as was told */
    unsigned n_known; /* how often "already exists" was said of it */
    bool sent;        /* of a push: all of it, or a part */
};

struct transfer_progress {
    int64_t resolved_ns, fetched_ns;        /* monotonic; 0: not seen */
    int64_t unpack_from_ns, unpack_till_ns; /* likewise; daemons before 2.2 do not tell */
    int64_t commit_from_ns; /* the first manifest went on its way to the registry; likewise */
    size_t n_layers;        /* that were spoken of */
    struct progress *told;  /* NULL: nobody wants to know */
    /* Private. */
    struct transfer_blob *blobs;
    size_t n_blobs;
    struct name_map places;
};

#define TRANSFER_PROGRESS_INIT  \
    {                           \
        .places = NAME_MAP_INIT \
    }

/* Before a push, for every blob that the image names, as often as it does: of one that is there
 * twice "already exists" is also said when the other was sent. */
void transfer_progress_expect(struct transfer_progress *progress, const char *digest);

void transfer_progress_add(struct transfer_progress *progress, const struct transfer_event *event);
void transfer_progress_deinit(struct transfer_progress *progress);

/* Of blobs that were here before a pull. */
uint64_t transfer_progress_existing_bytes(const struct transfer_progress *progress);
/* Of blobs that were seen on their way: at least this much crossed the network. */
uint64_t transfer_progress_seen_bytes(const struct transfer_progress *progress);

/* Of blobs that a push has sent, as far as it came. */
uint64_t transfer_progress_sent_bytes(const struct transfer_progress *progress);
/* Of blobs that the registry had before a push. */
uint64_t transfer_progress_known_bytes(const struct transfer_progress *progress);

#endif
