/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transfers several blobs of an image at a time.
 *
 * A few threads, each with a connection of its own, take the blobs in the order of the list; a
 * digest that is in the list twice is transferred once. The first failure cancels all threads. The
 * owner may wait for one blob while others are being transferred.
 */
#pragma once

#include "oci/manifest.h"
#include "registry/registry.h"

#define PARALLEL_BLOBS_MAX 16

/* Transfers one blob by `registry`, which belongs to the calling thread. Must be thread-safe. */
typedef bool parallel_blob_fetch(void *arg, struct registry *registry,
                                 const struct descriptor *blob, struct cancel *cancel,
                                 struct error *err);

struct parallel_blobs_plan {
    struct registry *registry; /* of the first thread; the others get clones */
    const struct descriptor *const *blobs;
    size_t count;
    unsigned at_once;
    parallel_blob_fetch *fetch;
    void *arg;
    struct progress *progress; /* NULL: no progress is shown */
};

struct parallel_blobs;

/* Copies `plan`; what it points to must outlive the blobs. NULL on failure. */
struct parallel_blobs *parallel_blobs_start(const struct parallel_blobs_plan *plan,
                                            struct cancel *cancel, struct error *err);

/* Waits until blob number `i` was transferred. Returns false once any blob has failed. */
bool parallel_blobs_wait(struct parallel_blobs *layers, size_t i, struct error *err) MUST_CHECK;

/* Waits for all blobs. *ended_ns: when the last thread ended. */
bool parallel_blobs_join(struct parallel_blobs *layers, int64_t *ended_ns,
                         struct error *err) MUST_CHECK;

/* Transfers all blobs. */
bool parallel_blobs_run(const struct parallel_blobs_plan *plan, struct cancel *cancel,
                        struct error *err) MUST_CHECK;

/* Cancels the threads and waits for them. */
void parallel_blobs_free(struct parallel_blobs *layers);
DEFINE_CLEANUP(struct parallel_blobs *, parallel_blobs_free)
