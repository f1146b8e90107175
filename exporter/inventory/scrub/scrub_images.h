/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the images that need a bad blob. It reads the manifests of all images, so it does so only
 * if there are bad blobs, and only again when those or the images have changed.
 */
#pragma once

#include "base/arena.h"
#include "inventory/scrub/scrub.h"

#define SCRUB_HITS_MAX ((size_t)1000)

struct scrub_hits {
    struct scrub_hit *items; /* by namespace and image, in the daemon's order */
    size_t count;
    size_t dropped; /* beyond SCRUB_HITS_MAX */
    uint64_t fingerprint_;
    struct arena arena_;
};

#define SCRUB_HITS_TEXT_MAX ((size_t)4 << 20)
#define SCRUB_HITS_INIT                           \
    {                                             \
        .arena_ = ARENA_INIT(SCRUB_HITS_TEXT_MAX) \
    }

/* The source of bad blobs. `version` must change whenever a result of is_bad() does. */
struct scrub_verdicts {
    bool (*is_bad)(void *arg, const char *digest, enum scrub_kind *kind);
    void *arg;
    uint64_t version;
};

/* `namespaces` as in scrub_everything(). On failure *hits do not change. */
bool scrub_hits_find(struct scrub_hits *hits, struct containerd *containerd,
                     const char *const *namespaces, const struct scrub_verdicts *verdicts,
                     struct cancel *cancel, struct error *err) MUST_CHECK;
void scrub_hits_clear(struct scrub_hits *hits);
