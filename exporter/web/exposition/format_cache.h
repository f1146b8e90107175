/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page in one format, in chunks: some slots of one family, or what stands before or behind its
 * samples. Of each the text is kept, and formatted again when one of its slots posted something.
 * For gzip, neighbours are packed in groups, which are kept too.
 *
 * Of a very large page only what is packed is kept: its texts are made when they are asked for.
 */
#ifndef WEB_EXPOSITION_FORMAT_CACHE_H
#define WEB_EXPOSITION_FORMAT_CACHE_H

#include "metrics/encode.h"
#include "web/exposition/block_pool.h"
#include "web/exposition/family_index.h"
#include "web/exposition/gzip.h"

#define FORMAT_CACHE_KEEP_BYTES ((size_t)3 << 20) /* of texts, in all formats together */

/* What the formats share, and what they are made from at the moment. */
struct render_context {
    struct block_pool *pool;
    struct gzip *gzip;       /* made when first asked for */
    struct buf text, packed; /* for the work */
    struct family_index plan;
    const struct board_entry *entries;
    size_t n_entries, kept_bytes;
    struct encode_options options;
};

struct chunk {
    uint32_t family;   /* of the plan */
    uint32_t first, n; /* pieces of it; none: the head of the family, or the end of the page */
    uint32_t group;
    bool stale;
    size_t size;
    struct block *text; /* NULL: it is empty, or not kept */
};

struct chunk_group {
    uint32_t first, n;
    bool stale;
    struct block *packed;
    struct gzip_sum sum;
};

struct format_cache {
    enum encode_format format;
    struct chunk *chunks;
    size_t n_chunks, capacity_;
    struct chunk_group *groups;
    size_t n_groups;
    size_t size;     /* of the text */
    bool large;      /* too large to be kept as text */
    int64_t used_ns; /* when it was last asked for */
    bool whole_;
    bool torn_; /* a text did not fit, or there was no memory for it */
    uint64_t version_, posts_;
};

/* Makes what gzip takes, once; false without memory. */
bool render_context_gzip(struct render_context *render_context) MUST_CHECK;

/* Makes everything true that the plan and the entries of the render_context tell. */
bool format_cache_update(struct format_cache *format_cache, struct render_context *render_context,
                         struct error *err) MUST_CHECK;

/* A reference to the text of a chunk that has one; NULL without memory. */
struct block *format_cache_text(struct format_cache *format_cache,
                                struct render_context *render_context, size_t chunk);

/* Packs what has to be. */
bool format_cache_gzip(struct format_cache *format_cache, struct render_context *render_context,
                       struct error *err) MUST_CHECK;

/* Gives everything back. */
void format_cache_clear(struct format_cache *format_cache, struct render_context *render_context);

/* Appends one family as it is, of the slots that `wanted` has, by their index. */
void format_cache_some(enum encode_format format, struct render_context *render_context,
                       const struct page_family *family, const bool *wanted, struct buf *out);

#endif
