/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a daemon holds of an image that it pulled itself, against what it held before.
 *
 * A daemon that has a blob, in whatever namespace, does not fetch it, and says so nowhere. But
 * every blob has the time when it came: what is older than the pull did not cross the network.
 * Nor is it taken for granted where another namespace got the blob earlier than this one, though
 * after the start: it may have been shared. Where the daemon shares nothing between namespaces
 * ("isolated"), the others do not count.
 */
#ifndef ENGINES_IMAGE_PULLED_IMAGE_H
#define ENGINES_IMAGE_PULLED_IMAGE_H

#include "engines/engine.h"

struct pulled_image_query {
    const struct scope *scope; /* where it was pulled to */
    const char *name;          /* of the image record */
    const struct platform_matcher *platform;
    bool all_platforms;      /* all images of an index were asked for; `platform` was unpacked */
    const char *snapshotter; /* NULL: unpacked size is not asked for; "": whichever the daemon has
                              * taken */
    int64_t started_unix_ns; /* before the daemon was asked (CLOCK_REALTIME) */
};

/* Fills digest, manifest_digest, media_type, declared, cached, fetched (traffic) and unpacked bytes
 * of *result, from the image record, manifests and configuration in the content store, the times
 * of the blobs in all namespaces, and the snapshotter. Of a blob that is named twice, cached and
 * fetched bytes count once. Unpacked bytes are those that the snapshots occupy. */
bool pulled_image_examine(const struct pulled_image_query *query, struct engine_result *result,
                          struct cancel *cancel, struct error *err) MUST_CHECK;

#endif
