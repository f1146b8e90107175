/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an image is unpacked: the snapshots of one namespace, in each snapshotter that matters.
 *
 * An image may be unpacked in a snapshotter that is not the namespace's own one (lazy pulling, a
 * runtime class, CRI with a snapshotter of its own). The client that unpacks an image labels its
 * configuration with the name of the snapshotter. So a snapshotter counts if it is the namespace's
 * own one, or if a label of the image's configuration names it.
 *
 *     image_snapshotters_begin(s, "overlayfs", false)          a scan of a namespace
 *     image_snapshotters_clear(s)                              a pass of the scan
 *     image_snapshotters_open(s, ..., &stream)                 begins the list of the own one
 *     ... image_snapshotters_note() for each blob ...
 *     image_snapshotters_list(s, stream, ...)                  the rest
 *     image_snapshotters_find(s, config, chain_id)
 *
 * A snapshotter that fails (a proxy whose process is gone or hangs) is no failure of the scan: what
 * depends on it is unknown. It is not asked again during the scan.
 */
#pragma once

#include "containerd/snapshots.h"
#include "inventory/image_check.h"
#include "oci/name_map.h"

#define IMAGE_SNAPSHOTTERS_MAX ((size_t)8) /* further ones are ignored */
#define SNAPSHOTTER_NAME_BYTES 128

struct image_snapshotters {
    size_t count;
    struct image_snapshotter {
        char name[SNAPSHOTTER_NAME_BYTES];
        enum {
            SNAPSHOTTER_UNKNOWN, /* not listed yet */
            SNAPSHOTTER_LISTED,
            SNAPSHOTTER_ABSENT, /* the daemon has not loaded it */
            SNAPSHOTTER_FAILED,
        } state;
        struct name_map snapshots;   /* that it has */
    } items[IMAGE_SNAPSHOTTERS_MAX]; /* the first is the namespace's own */
    struct name_map configs;         /* digest -> bits of the snapshotters that its labels name */
    bool ignores_labels;
    struct error failure; /* of the first snapshotter that failed; ERROR_NONE: none did */
};

void image_snapshotters_init(struct image_snapshotters *snapshotters);
void image_snapshotters_deinit(struct image_snapshotters *snapshotters);

/* `only`: no label counts, as with `ctr images check --snapshotter`. */
void image_snapshotters_begin(struct image_snapshotters *snapshotters, const char *own, bool only);
void image_snapshotters_clear(struct image_snapshotters *snapshotters);

/* Notes the snapshotters of a blob, as content_info has them. */
bool image_snapshotters_note(struct image_snapshotters *snapshotters, const char *digest,
                             const char *names, struct error *err) MUST_CHECK;

/* Begins to list the namespace's own snapshotter, so that the daemon can list content meanwhile.
 * *stream is NULL if it has failed before. */
bool image_snapshotters_open(const struct image_snapshotters *snapshotters,
                             const struct scope *scope, struct rpc_stream **stream,
                             struct cancel *cancel, struct error *err) MUST_CHECK;

/* Takes `stream`, which may be NULL, and lists all other snapshotters that were noted. */
bool image_snapshotters_list(struct image_snapshotters *snapshotters, struct rpc_stream *stream,
                             const struct scope *scope, struct cancel *cancel,
                             struct error *err) MUST_CHECK;

/* IMAGE_FOUND if one of the snapshotters that count has it. Else IMAGE_UNKNOWN if one of them has
 * failed, IMAGE_UNREADABLE if the daemon has not loaded the namespace's own. */
enum image_lookup image_snapshotters_find(const struct image_snapshotters *snapshotters,
                                          const char *config_digest, const char *chain_id);
