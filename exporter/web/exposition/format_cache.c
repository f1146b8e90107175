/* SPDX-License-Identifier: Apache-2.0 */
#include "web/exposition/format_cache.h"

#include <malloc.h>
#include <string.h>

#define CHUNK_BYTES     ((size_t)16 << 10) /* target size of a chunk */
#define CHUNK_BYTES_MAX ((size_t)32 << 10) /* a larger one causes a rebuild */
#define GROUP_BYTES     ((size_t)64 << 10)
#define END             UINT32_MAX /* the family of the last chunk */

static struct encoder encoder_for(const struct format_cache *cache,
                                  const struct render_context *context, struct buf *out)
{
    return (struct encoder){.out = out, .format = cache->format, .options = context->options};
}

static void format_pieces(struct encoder *encoder, const struct render_context *context,
                          const struct page_piece *pieces, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct sample *samples = page_piece_samples(&pieces[i], context->entries);
        const struct snapshot *snapshot = context->entries[pieces[i].slot].snapshot;

        if (samples)
            encode_samples(encoder, &snapshot_families(snapshot)[pieces[i].row], samples);
    }
}

/* The head of a family with `samples_size` bytes of samples; nothing without samples. */
static void format_head(struct encoder *encoder, const struct metric_family *family,
                        size_t samples_size)
{
    if (samples_size == 0)
        return;
    encoder->apart = samples_size;
    encode_family(encoder, family);
    encode_family_end(encoder, family);
}

/* The size of the samples after the head of a family. */
static size_t samples_size_of(const struct format_cache *cache, size_t head)
{
    size_t size = 0;

    for (size_t i = head + 1; cache->chunks[i].family == cache->chunks[head].family; i++)
        size += cache->chunks[i].size;
    return size;
}

static void format_chunk(const struct format_cache *cache, const struct render_context *context,
                         size_t index, struct buf *out)
{
    const struct chunk *chunk = &cache->chunks[index];
    struct encoder encoder = encoder_for(cache, context, out);

    if (chunk->family == END)
        encode_end(&encoder);
    else if (chunk->n == 0)
        format_head(&encoder, context->index.families[chunk->family].family,
                    samples_size_of(cache, index));
    else
        format_pieces(&encoder, context, &context->index.pieces[chunk->first], chunk->n);
}

static void drop_text(struct render_context *context, struct chunk *chunk)
{
    if (chunk->text)
        context->kept_bytes -= block_capacity(chunk->text);
    block_unref(TAKE(chunk->text));
}

/* Keeps the text of the context as the text of the chunk, within FORMAT_CACHE_KEEP_BYTES. */
static void keep_text(const struct format_cache *cache, struct render_context *context,
                      struct chunk *chunk)
{
    const struct buf *text = &context->text;
    size_t before = chunk->text ? block_capacity(chunk->text) : 0;

    if (text->size == 0 || cache->large ||
        context->kept_bytes - before + text->size > FORMAT_CACHE_KEEP_BYTES) {
        drop_text(context, chunk);
        return;
    }
    context->kept_bytes -= before;
    if (block_put(context->pool, &chunk->text, text->data, text->size))
        context->kept_bytes += block_capacity(chunk->text);
}

static bool same_text(const struct chunk *chunk, const struct buf *text)
{
    return chunk->size == text->size &&
           (text->size == 0 || (chunk->text && chunk->text->size == text->size &&
                                memcmp(chunk->text->data, text->data, text->size) == 0));
}

/* Stores what was formatted into the context. */
static void put_text(struct format_cache *cache, struct render_context *context,
                     struct chunk *chunk)
{
    struct error ignored;

    chunk->stale = false;
    cache->failed_ |= !buf_ok(&context->text, &ignored);
    if (same_text(chunk, &context->text))
        return;
    cache->size += context->text.size - chunk->size;
    chunk->size = context->text.size;
    keep_text(cache, context, chunk);
    if (cache->groups)
        cache->groups[chunk->group].stale = true;
}

static struct chunk *add_chunk(struct format_cache *cache, uint32_t family, uint32_t first)
{
    struct chunk *chunk;

    if (cache->n_chunks == cache->capacity_) {
        size_t capacity = cache->capacity_ ? cache->capacity_ * 2 : 128;
        struct chunk *chunks = realloc(cache->chunks, capacity * sizeof(*chunks));

        if (!chunks)
            return NULL;
        cache->chunks = chunks;
        cache->capacity_ = capacity;
    }
    chunk = &cache->chunks[cache->n_chunks++];
    *chunk = (struct chunk){.family = family, .first = first};
    return chunk;
}

/* Formats the pieces of a family and splits them into chunks by their size. */
static bool add_samples(struct format_cache *cache, struct render_context *context, uint32_t index)
{
    const struct page_family *family = &context->index.families[index];
    struct encoder encoder = encoder_for(cache, context, &context->text);
    uint32_t next = family->first, end = family->first + family->n;

    while (next < end) {
        struct chunk *chunk = add_chunk(cache, index, next);

        if (!chunk)
            return false;
        buf_clear(&context->text);
        for (; next < end && context->text.size < CHUNK_BYTES; next++)
            format_pieces(&encoder, context, &context->index.pieces[next], 1);
        chunk->n = next - chunk->first;
        put_text(cache, context, chunk);
    }
    return true;
}

static bool add_family(struct format_cache *cache, struct render_context *context, uint32_t index)
{
    size_t head = cache->n_chunks;
    struct encoder encoder = encoder_for(cache, context, &context->text);
    size_t before = cache->size;

    if (!add_chunk(cache, index, 0) || !add_samples(cache, context, index))
        return false;
    buf_clear(&context->text);
    format_head(&encoder, context->index.families[index].family, cache->size - before);
    put_text(cache, context, &cache->chunks[head]);
    return true;
}

/* Groups neighbouring chunks up to GROUP_BYTES for compression. */
static bool build_groups(struct format_cache *cache)
{
    struct chunk_group *group = NULL;
    size_t size = 0;

    cache->groups = calloc(cache->n_chunks + 1, sizeof(*cache->groups));
    if (!cache->groups)
        return false;
    for (uint32_t i = 0; i < cache->n_chunks; i++) {
        if (!group || size >= GROUP_BYTES) {
            group = &cache->groups[cache->n_groups++];
            *group = (struct chunk_group){.first = i, .stale = true};
            size = 0;
        }
        cache->chunks[i].group = (uint32_t)cache->n_groups - 1;
        group->n++;
        size += cache->chunks[i].size;
    }
    return true;
}

void format_cache_clear(struct format_cache *cache, struct render_context *context)
{
    for (size_t i = 0; i < cache->n_chunks; i++)
        drop_text(context, &cache->chunks[i]);
    for (size_t i = 0; i < cache->n_groups; i++)
        block_unref(cache->groups[i].packed);
    free(cache->chunks);
    free(cache->groups);
    *cache = (struct format_cache){
        .format = cache->format, .used_ns = cache->used_ns, .large = cache->large};
}

static bool rebuild(struct format_cache *cache, struct render_context *context)
{
    struct chunk *end;

    format_cache_clear(cache, context);
    cache->version_ = context->index.version;
    for (uint32_t i = 0; i < context->index.n_families; i++)
        if (!add_family(cache, context, i))
            return false;
    end = add_chunk(cache, END, 0);
    if (!end)
        return false;
    buf_clear(&context->text);
    format_chunk(cache, context, cache->n_chunks - 1, &context->text);
    put_text(cache, context, end);
    cache->complete_ = true;
    return build_groups(cache);
}

static bool is_outdated(const struct format_cache *cache, const struct render_context *context,
                        const struct chunk *chunk)
{
    const struct page_piece *pieces = &context->index.pieces[chunk->first];

    for (size_t i = 0; i < chunk->n; i++)
        if (context->entries[pieces[i].slot].posts > cache->posts_)
            return true;
    return false;
}

static void format_stale(struct format_cache *cache, struct render_context *context, size_t index)
{
    buf_clear(&context->text);
    format_chunk(cache, context, index, &context->text);
    put_text(cache, context, &cache->chunks[index]);
}

/* Formats chunks with new posts; then heads, which may contain the size of their samples. */
static void update_chunks(struct format_cache *cache, struct render_context *context)
{
    size_t head = 0;

    for (size_t i = 0; i + 1 < cache->n_chunks; i++) {
        struct chunk *chunk = &cache->chunks[i];
        size_t before = cache->size;

        if (chunk->n == 0) {
            head = i;
            continue;
        }
        if (!is_outdated(cache, context, chunk))
            continue;
        format_stale(cache, context, i);
        cache->chunks[head].stale |= cache->size != before;
        cache->complete_ &= chunk->size <= CHUNK_BYTES_MAX || chunk->n == 1;
    }
    for (size_t i = 0; i + 1 < cache->n_chunks; i++)
        if (cache->chunks[i].stale)
            format_stale(cache, context, i);
}

static uint64_t last_post(const struct render_context *context)
{
    uint64_t posts = 0;

    for (size_t i = 0; i < context->n_entries; i++)
        if (context->entries[i].posts > posts)
            posts = context->entries[i].posts;
    return posts;
}

/* Drops the texts of a page above the limit; keeps them again below half of it (hysteresis). */
static void decide_large(struct format_cache *cache, struct render_context *context)
{
    if (cache->large) {
        cache->large = cache->size > FORMAT_CACHE_KEEP_BYTES / 2;
    } else if (cache->size > FORMAT_CACHE_KEEP_BYTES) {
        cache->large = true;
        for (size_t i = 0; i < cache->n_chunks; i++)
            drop_text(context, &cache->chunks[i]);
        malloc_trim(0);
    }
}

bool format_cache_update(struct format_cache *cache, struct render_context *context,
                         struct error *err)
{
    if (cache->complete_ && cache->version_ == context->index.version)
        update_chunks(cache, context);
    else if (!rebuild(cache, context)) {
        format_cache_clear(cache, context);
        return error_memory(err);
    }
    cache->posts_ = last_post(context);
    decide_large(cache, context);
    if (!cache->failed_)
        return true;
    format_cache_clear(cache, context);
    return error_set(err, ERROR_LIMIT, "the page exceeds its size limit, or memory ran out");
}

struct block *format_cache_text(struct format_cache *cache, struct render_context *context,
                                size_t chunk)
{
    struct error ignored;

    if (cache->chunks[chunk].text)
        return block_ref(cache->chunks[chunk].text);
    buf_clear(&context->text);
    format_chunk(cache, context, chunk, &context->text);
    if (!buf_ok(&context->text, &ignored))
        return NULL;
    return block_new(context->pool, context->text.data, context->text.size);
}

static bool pack_group(struct format_cache *cache, struct render_context *context,
                       struct chunk_group *group, struct error *err)
{
    buf_clear(&context->text);
    buf_clear(&context->packed);
    for (size_t i = group->first; i < group->first + group->n; i++) {
        const struct chunk *chunk = &cache->chunks[i];

        if (chunk->text)
            buf_append(&context->text, chunk->text->data, chunk->text->size);
        else if (chunk->size > 0)
            format_chunk(cache, context, i, &context->text);
    }
    group->sum = gzip_pack(context->gzip, context->text.data, context->text.size, &context->packed);
    if (!buf_ok(&context->text, err) || !buf_ok(&context->packed, err))
        return false;
    if (!block_put(context->pool, &group->packed, context->packed.data, context->packed.size))
        return error_memory(err);
    group->stale = false;
    return true;
}

bool render_context_gzip(struct render_context *context)
{
    if (!context->gzip)
        context->gzip = gzip_new();
    return context->gzip;
}

bool format_cache_gzip(struct format_cache *cache, struct render_context *context,
                       struct error *err)
{
    if (!render_context_gzip(context))
        return error_memory(err);
    for (size_t i = 0; i < cache->n_groups; i++)
        if (cache->groups[i].stale && !pack_group(cache, context, &cache->groups[i], err))
            return false;
    return true;
}

void format_cache_filtered(enum encode_format format, struct render_context *context,
                           const struct page_family *family, const bool *selected, struct buf *out)
{
    const struct page_piece *pieces = &context->index.pieces[family->first];
    struct encoder encoder = {.out = out, .format = format, .options = context->options};
    bool begun = false;

    for (size_t i = 0; i < family->n; i++) {
        if (!selected[pieces[i].slot] || !page_piece_samples(&pieces[i], context->entries))
            continue;
        if (!begun)
            encode_family(&encoder, family->family);
        begun = true;
        format_pieces(&encoder, context, &pieces[i], 1);
    }
    if (begun)
        encode_family_end(&encoder, family->family);
}
