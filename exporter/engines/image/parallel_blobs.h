/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs of an image, several at a time.
 *
 * A few threads, each with a connection of its own, take one blob after the other in the order of
 * the list; a digest that stands in it twice is fetched once. The first failure stops them all. The
 * owner may wait for one blob while the others are still on their way.
 */
#ifndef ENGINES_IMAGE_PARALLEL_BLOBS_H
#define ENGINES_IMAGE_PARALLEL_BLOBS_H

#include "registry/registry.h"

#define PARALLEL_BLOBS_MAX 16

/* Fetches one blob by `registry`, which is the thread's own. Called by several threads at once. */
typedef bool parallel_blob_fetch(void *arg, struct registry *registry,
                                 const struct descriptor *blob, struct cancel *cancel,
                                 struct error *err);

struct parallel_blobs_plan {
    struct registry *registry; /* the first thread takes this one, the others branches of it */
    const struct descriptor *const *blobs;
    size_t count;
    unsigned at_once;
    parallel_blob_fetch *fetch;
    void *arg;
    struct progress *progress; /* NULL: nobody wants to know */
};

struct parallel_blobs;

/* `plan` is copied, what it points to outlives the layers. */
struct parallel_blobs *parallel_blobs_start(const struct parallel_blobs_plan *plan,
                                            struct cancel *cancel, struct error *err);

/* Until blob number `i` is there; false once any blob has failed, with why. */
bool parallel_blobs_wait(struct parallel_blobs *layers, size_t i, struct error *err) MUST_CHECK;

/* All of them. *ended_ns: when the last thread ended. */
bool parallel_blobs_join(struct parallel_blobs *layers, int64_t *ended_ns,
                         struct error *err) MUST_CHECK;

/* Stops what still runs, and waits for it. */
void parallel_blobs_free(struct parallel_blobs *layers);
DEFINE_CLEANUP(struct parallel_blobs *, parallel_blobs_free)

#endif
