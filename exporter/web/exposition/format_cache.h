/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page in one format, in chunks: the head of a family, samples of some of its slots, or the end
 * of the page. The cache keeps the text of each chunk and formats it again when one of its slots
 * has a new post. For gzip, groups of neighbouring chunks are compressed and kept, too.
 *
 * For a large page the cache keeps compressed groups only, and formats texts on demand.
 */
#pragma once

#include "metrics/encode.h"
#include "web/exposition/block_pool.h"
#include "web/exposition/family_index.h"
#include "web/exposition/gzip.h"

#define FORMAT_CACHE_KEEP_BYTES ((size_t)3 << 20) /* limit of texts in all formats */

/* State that all formats share: the snapshots of this scrape, and scratch buffers. */
struct render_context {
    struct block_pool *pool;
    struct gzip *gzip;       /* NULL until its first use */
    struct buf text, packed; /* scratch */
    struct family_index index;
    const struct board_entry *entries;
    size_t n_entries, kept_bytes;
    struct encode_options options;
};

struct chunk {
    uint32_t family;   /* in the index */
    uint32_t first, n; /* its pieces; none: the head of the family, or the end of the page */
    uint32_t group;
    bool stale;
    size_t size;
    struct block *text; /* NULL: empty, or not kept */
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
    bool large;      /* too large to keep as text */
    int64_t used_ns; /* time of the last scrape */
    bool complete_;
    bool failed_; /* a text exceeded its limit, or memory ran out */
    uint64_t version_, posts_;
};

/* Allocates the gzip state at its first use. Returns false without memory. */
bool render_context_gzip(struct render_context *context) MUST_CHECK;

/* Updates all chunks from the index and the entries of the context. */
bool format_cache_update(struct format_cache *cache, struct render_context *context,
                         struct error *err) MUST_CHECK;

/* A reference to the text of a chunk; NULL without memory. */
struct block *format_cache_text(struct format_cache *cache, struct render_context *context,
                                size_t chunk);

/* Compresses the stale groups. */
bool format_cache_gzip(struct format_cache *cache, struct render_context *context,
                       struct error *err) MUST_CHECK;

/* Frees all chunks and groups. */
void format_cache_clear(struct format_cache *cache, struct render_context *context);

/* Appends one family with the samples of the selected slots, without the cache. */
void format_cache_filtered(enum encode_format format, struct render_context *context,
                           const struct page_family *family, const bool *selected, struct buf *out);
