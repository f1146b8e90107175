/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look at the images of one namespace: three lists, a verdict for each image.
 *
 * The order of the lists matters: a pull writes content, then snapshots, then the
 * image, so that reading them in the order image, content, snapshots shows no pull
 * in flight as an incomplete image. What seems not to be complete is asked for once
 * more by itself, because an image can be deleted or replaced between two lists.
 */
#ifndef INVENTORY_IMAGE_SCAN_H
#define INVENTORY_IMAGE_SCAN_H

#include "containerd/containerd.h"
#include "containerd/content_files.h"
#include "inventory/image_cache.h"
#include "oci/name_map.h"

struct image_finding {
    const char *name, *media_type, *digest; /* the record: its name and its target */
    struct image_verdict verdict;
    double since;    /* when it was first found not to be whole; 0: it is */
    uint64_t trace_; /* private: of what was looked for in vain */
    bool settled_;
};

/* Sorted by name. */
struct image_findings {
    struct image_finding *items;
    size_t count;
    struct arena arena_; /* private */
};

#define IMAGE_FINDINGS_LIMIT_BYTES ((size_t)64 << 20)
#define IMAGE_FINDINGS_INIT                              \
    {                                                    \
        .arena_ = ARENA_INIT(IMAGE_FINDINGS_LIMIT_BYTES) \
    }

void image_findings_deinit(struct image_findings *findings);

/* Whether it deserves an alarm: it is not complete, and not one of those whose layers were thrown
 * away once they were unpacked (discard_unpacked_layers). */
bool image_finding_is_bad(const struct image_finding *finding);

/* What looks have in common. */
struct image_scanner {
    struct containerd *daemon;
    const struct check_rules *rules;
    struct platform_matcher matcher;
    struct content_files files;
    struct image_cache *cache;
    struct name_map content;   /* of the namespace that is looked at; digest -> size */
    struct name_map snapshots; /* of its snapshotter */
};

/* Replaces *findings, which are those of the last look at this namespace (or empty): what was
 * asked for then and is still the same is not asked for again. On failure they stay. */
bool image_scan(struct image_scanner *looker, const char *name_space, const char *snapshotter,
                struct image_findings *findings, struct cancel *cancel,
                struct error *err) MUST_CHECK;

#endif
