/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the documents of all images say, read once: content never changes under its
 * digest, so a parse stays true for as long as any image wants it.
 *
 *     image_cache_begin(cache, false);              a cycle over all namespaces
 *     ... image_cache_manifest(), image_cache_config() ...
 *     if (image_cache_ok(cache, err))
 *         image_cache_end(cache, true);             drops what nobody asked for
 *
 * What could not be read, and bytes that are not what their digest says (a disk can be
 * repaired), are remembered for IMAGE_CACHE_DOUBT_NS. Belongs to one thread.
 */
#ifndef INVENTORY_IMAGE_CACHE_H
#define INVENTORY_IMAGE_CACHE_H

#include "base/buf.h"
#include "base/clock.h"
#include "inventory/image_check.h"

#define IMAGE_CACHE_ENTRIES_MAX ((size_t)100000)
#define IMAGE_CACHE_LIMIT_BYTES ((size_t)128 << 20) /* of all entries */
#define IMAGE_DOCUMENT_MAX      ((size_t)16 << 20)  /* bytes; a larger one is unreadable */
#define IMAGE_CACHE_DOUBT_NS    (60 * NS_PER_SECOND)

struct image_cache;

/* Where the bytes come from: a content store, or a test. More bytes than blob->size are fine.
 * *certain may be set where they are known to be those of the digest. */
struct image_source {
    bool (*read)(void *arg, const struct image_blob *blob, struct buf *out, bool *certain,
                 struct error *err);
    void *arg;
};

struct image_cache *image_cache_new(struct error *err);
void image_cache_free(struct image_cache *cache);
DEFINE_CLEANUP(struct image_cache *, image_cache_free)

/* `again`: what is in doubt is read again now. */
void image_cache_begin(struct image_cache *cache, bool again);
/* `all`: every image was looked at, so what was not asked for is not needed. */
void image_cache_end(struct image_cache *cache, bool all);

/* What is found lives until image_cache_end() or image_cache_free(). */
enum image_lookup image_cache_manifest(struct image_cache *cache, const struct image_source *source,
                                       const struct image_blob *blob, const char *media_type,
                                       const struct manifest **manifest);
enum image_lookup image_cache_config(struct image_cache *cache, const struct image_source *source,
                                     const struct image_blob *blob,
                                     const struct image_essence **config);

/* False where a look-up of this cycle failed for a reason that is not the document's: the
 * daemon was gone, the time was over, a ceiling was reached. What was IMAGE_UNREADABLE since
 * then is not to be believed. */
bool image_cache_ok(const struct image_cache *cache, struct error *err) MUST_CHECK;

size_t image_cache_count(const struct image_cache *cache);
size_t image_cache_bytes(const struct image_cache *cache);

#endif
