/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the documents of all images say, read once: content never changes under its
 * digest, so a parse stays true for as long as any image wants it.
 *
 *     image_cache_begin(cache);                     a cycle over all namespaces
 *     ... image_cache_manifest(), image_cache_config() ...
 *     if (image_cache_ok(cache, err))
 *         image_cache_end(cache);                   drops what nobody asked for
 *
 * A document that makes no sense is remembered as such. A read that failed is not
 * remembered, and tried again in the next cycle. Belongs to one thread.
 */
#ifndef CLIENT_IMAGE_CACHE_H
#define CLIENT_IMAGE_CACHE_H

#include "client/image_check.h"

#define IMAGE_CACHE_ENTRIES_MAX ((size_t)100000)
#define IMAGE_CACHE_LIMIT_BYTES ((size_t)128 << 20) /* of all entries */

struct image_cache;

/* Where the bytes come from: content_read() of a scope, or a test. */
struct image_source {
    bool (*read)(void *arg, const char *digest, struct buf *out, struct error *err);
    void *arg;
};

struct image_cache *image_cache_new(struct error *err);
void image_cache_free(struct image_cache *cache);
DEFINE_CLEANUP(struct image_cache *, image_cache_free)

void image_cache_begin(struct image_cache *cache);
void image_cache_end(struct image_cache *cache);

/* What is found lives until image_cache_end() or image_cache_free(). */
enum image_lookup image_cache_manifest(struct image_cache *cache, const struct image_source *source,
                                       const struct content_info *blob, const char *media_type,
                                       const struct manifest **manifest);
enum image_lookup image_cache_config(struct image_cache *cache, const struct image_source *source,
                                     const struct content_info *blob,
                                     const struct image_essence **config);

/* False where a look-up of this cycle failed for a reason that is not the document's: the
 * daemon was gone, the time was over, a ceiling was reached. What was IMAGE_UNREADABLE since
 * then is not to be believed. */
bool image_cache_ok(const struct image_cache *cache, struct error *err) MUST_CHECK;

size_t image_cache_count(const struct image_cache *cache);
size_t image_cache_bytes(const struct image_cache *cache);

#endif
