/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cache of parsed manifests and configurations. The content of a digest never changes, so a
 * parsed document stays valid for as long as any image needs it.
 *
 *     image_cache_begin(cache, false);              a cycle over all namespaces
 *     ... image_cache_manifest(), image_cache_config() ...
 *     if (image_cache_ok(cache, err))
 *         image_cache_end(cache, true);             drops what this cycle did not look up
 *
 * Unreadable documents, and documents that do not match their digest, are cached for
 * IMAGE_CACHE_DOUBT_NS only, because a disk can be repaired. Belongs to one thread.
 */
#pragma once

#include "base/buf.h"
#include "base/clock.h"
#include "inventory/image_check.h"

#define IMAGE_CACHE_ENTRIES_MAX ((size_t)100000)
#define IMAGE_CACHE_LIMIT_BYTES ((size_t)128 << 20) /* of all entries */
#define IMAGE_DOCUMENT_MAX      ((size_t)16 << 20)  /* bytes; a larger document is unreadable */
#define IMAGE_CACHE_DOUBT_NS    (60 * NS_PER_SECOND)

struct image_cache;

/* Reads documents: from a content store, or in a test. read() may append more than blob->size
 * bytes. It sets *certain to whether it has checked the digest. */
struct image_source {
    bool (*read)(void *arg, const struct image_blob *blob, struct buf *out, bool *certain,
                 struct error *err);
    void *arg;
};

struct image_cache *image_cache_new(struct error *err);
void image_cache_free(struct image_cache *cache);
DEFINE_CLEANUP(struct image_cache *, image_cache_free)

/* `again`: documents that are cached for IMAGE_CACHE_DOUBT_NS are read again now. */
void image_cache_begin(struct image_cache *cache, bool again);
/* `all`: the cycle covered every image, so documents that it did not look up are not needed. */
void image_cache_end(struct image_cache *cache, bool all);

/* Forgets a failure (image_cache_ok), which concerned one namespace of the cycle. */
void image_cache_forgive(struct image_cache *cache);

/* The results live until image_cache_end() or image_cache_free(). */
enum image_lookup image_cache_manifest(struct image_cache *cache, const struct image_source *source,
                                       const struct image_blob *blob, const char *media_type,
                                       const struct manifest **manifest);
enum image_lookup image_cache_config(struct image_cache *cache, const struct image_source *source,
                                     const struct image_blob *blob,
                                     const struct image_config_facts **config);

/* False if a look-up since image_cache_begin() or image_cache_forgive() failed for a reason outside
 * the document: the daemon was gone, the deadline passed, a limit was reached. The caller must
 * ignore every IMAGE_UNREADABLE since then. */
bool image_cache_ok(const struct image_cache *cache, struct error *err) MUST_CHECK;

size_t image_cache_count(const struct image_cache *cache);
size_t image_cache_bytes(const struct image_cache *cache);
