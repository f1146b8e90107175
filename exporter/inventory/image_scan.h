/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks the images of one namespace: three lists, and a verdict for each image.
 *
 * The order of the lists matters. A pull writes content, then snapshots, then the image, so a scan
 * that lists the images first does not report a pull in progress as an incomplete image. The scan
 * asks again for each image that seems incomplete, because an image can be deleted or replaced
 * between two lists.
 */
#pragma once

#include "containerd/containerd.h"
#include "containerd/content_files.h"
#include "inventory/image_cache.h"
#include "inventory/image_snapshotters.h"

struct image_finding {
    const char *name, *media_type, *digest; /* the record: its name and its target */
    struct image_verdict verdict;
    double since;      /* when the image was first found to be bad; 0: it is not */
    uint64_t missing_; /* private: hash of the blobs that were not found */
    bool settled_;     /* private: the verdict does not need another check */
};

/* Sorted by name. */
struct image_findings {
    struct image_finding *items;
    size_t count;
    struct error failure; /* of a snapshotter, on which some verdicts depend; ERROR_NONE: none */
    struct arena arena_;  /* private */
};

#define IMAGE_FINDINGS_LIMIT_BYTES ((size_t)64 << 20)
#define IMAGE_FINDINGS_INIT                              \
    {                                                    \
        .arena_ = ARENA_INIT(IMAGE_FINDINGS_LIMIT_BYTES) \
    }

void image_findings_deinit(struct image_findings *findings);

/* Whether the image needs attention: it is not complete, and neither is it an image whose layers
 * the daemon removed after unpacking (discard_unpacked_layers), nor may it be one. */
bool image_finding_is_bad(const struct image_finding *finding);

/* What the scans of all namespaces share. */
struct image_scanner {
    struct containerd *daemon;
    const struct check_rules *rules;
    struct platform_matcher matcher;
    struct content_files files;
    struct image_cache *cache;
    struct name_map content; /* of the scanned namespace: digest -> size */
    struct image_snapshotters snapshotters;
    bool only_own; /* the namespace's own snapshotter is the only one that counts */
};

/* Replaces *findings, which must be those of the last scan of this namespace, or empty. A verdict
 * that is the same as then is not checked again. On failure *findings do not change. `snapshotter`
 * is the namespace's own. */
bool image_scan(struct image_scanner *scanner, const char *name_space, const char *snapshotter,
                struct image_findings *findings, struct cancel *cancel,
                struct error *err) MUST_CHECK;
