/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures an image that a daemon has pulled itself.
 *
 * A daemon does not fetch a blob that it has in any namespace, and does not report that. But each
 * blob has a creation time: a blob that is older than the pull did not cross the network. A blob
 * that another namespace got after the start, but before this namespace, does not count as fetched
 * either: it may have been shared. The same is true of a blob that another run of this process had
 * meanwhile and has removed (recent_blobs.h). If the daemon does not share content between
 * namespaces
 * ("isolated"), other namespaces do not count.
 */
#pragma once

#include "engines/engine.h"

struct pulled_image_query {
    const struct scope *scope; /* the namespace of the image */
    const char *name;          /* of the image record */
    const struct platform_matcher *platform;
    bool all_platforms;      /* the pull was for all images of an index; `platform` was unpacked */
    const char *snapshotter; /* NULL: the unpacked size is not measured; "": the snapshotter that
                                the daemon has used */
    int64_t started_unix_ns; /* CLOCK_REALTIME before the pull */
};

/* Fills digest, manifest_digest, media_type, and declared, cached, fetched (traffic) and unpacked
 * bytes of *result. The sources are the image record, manifests and configuration in the content
 * store, the creation times of the blobs in all namespaces, and the snapshotter. Cached and
 * fetched bytes count each blob once. Unpacked bytes are those that the snapshots occupy. */
bool pulled_image_examine(const struct pulled_image_query *query, struct engine_result *result,
                          struct cancel *cancel, struct error *err) MUST_CHECK;
