/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums up the progress of a transfer: when its phases ended, and which bytes it moved.
 *
 * The daemon's progress is not exact. In a pull, "complete" is also reported for a blob of another
 * namespace that was not fetched. "already exists" is reported only for blobs that were there, and
 * "downloading" only for blobs that come over the network.
 *
 * In a push, "complete" is reported only for blobs that were sent. Progress comes every 0.3 s, so
 * the durations of phases are no more exact than that.
 */
#pragma once

#include "base/progress.h"
#include "containerd/transfer/transfer.h"
#include "oci/name_map.h"

#define TRANSFER_BLOBS_MAX ((size_t)4096) /* further blobs are not counted */

struct transfer_blob {
    uint64_t bytes, total;
    bool moved;       /* something other than "already exists" was reported */
    bool downloading; /* "downloading" was reported, with bytes */
    unsigned n_named; /* how often the pushed image names it: transfer_progress_expect() */
    unsigned n_known; /* how often "already exists" was reported */
    bool sent;        /* push only: all of it or a part */
};

struct transfer_progress {
    int64_t resolved_ns, fetched_ns;        /* monotonic; 0: not reported */
    int64_t unpack_from_ns, unpack_till_ns; /* likewise; reported since 2.2 */
    int64_t commit_from_ns;  /* likewise; start of the upload of the first manifest */
    size_t n_layers;         /* that were reported */
    struct progress *report; /* for the terminal; NULL: none */
    /* Private. */
    struct transfer_blob *blobs;
    size_t n_blobs;
    struct name_map indices; /* digest -> index of blobs[] */
};

#define TRANSFER_PROGRESS_INIT   \
    {                            \
        .indices = NAME_MAP_INIT \
    }

/* Must be called before a push, once for each time that the image names a blob: for the second copy
 * of a blob the daemon reports "already exists", although it sent the first. */
void transfer_progress_expect(struct transfer_progress *progress, const char *digest);

void transfer_progress_add(struct transfer_progress *progress, const struct transfer_event *event);
void transfer_progress_deinit(struct transfer_progress *progress);

/* Bytes of blobs that the store had before a pull. */
uint64_t transfer_progress_existing_bytes(const struct transfer_progress *progress);
/* Bytes of blobs that were reported as downloading: a lower bound of the network traffic. */
uint64_t transfer_progress_seen_bytes(const struct transfer_progress *progress);

/* Bytes of blobs that a push has sent, also of unfinished ones. */
uint64_t transfer_progress_sent_bytes(const struct transfer_progress *progress);
/* Bytes of blobs that the registry had before a push. */
uint64_t transfer_progress_known_bytes(const struct transfer_progress *progress);
