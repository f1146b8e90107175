/* SPDX-License-Identifier: Apache-2.0 */
#include "web/exposition/format_cache.h"

#include <malloc.h>
#include <string.h>

#define CHUNK_BYTES     ((size_t)16 << 10) /* how large a chunk is made */
#define CHUNK_BYTES_MAX ((size_t)32 << 10) /* and may get, before all are made anew */
#define GROUP_BYTES     ((size_t)64 << 10)
#define END             UINT32_MAX /* the family of the last chunk */

static struct encoder encoder_for(const struct format_cache *format_cache,
                                  const struct render_context *render_context, struct buf *out)
{
    return (struct encoder){
        .out = out, .format = format_cache->format, .options = render_context->options};
}

static void format_pieces(struct encoder *encoder, const struct render_context *render_context,
                          const struct page_piece *pieces, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct sample *samples = page_piece_samples(&pieces[i], render_context->entries);
        const struct snapshot *snapshot = render_context->entries[pieces[i].slot].snapshot;

        if (samples)
            encode_samples(encoder, &snapshot_families(snapshot)[pieces[i].row], samples);
    }
}

/* What stands before `samples_size` bytes of samples: nothing before none. */
static void format_head(struct encoder *encoder, const struct metric_family *family,
                        size_t samples_size)
{
    if (samples_size == 0)
        return;
    encoder->apart = samples_size;
    encode_family(encoder, family);
    encode_family_end(encoder, family);
}

/* Bytes of the samples behind the head of a family. */
static size_t samples_behind(const struct format_cache *format_cache, size_t head)
{
    size_t size = 0;

    for (size_t i = head + 1; format_cache->chunks[i].family == format_cache->chunks[head].family;
         i++)
        size += format_cache->chunks[i].size;
    return size;
}

static void format_chunk(const struct format_cache *format_cache,
                         const struct render_context *render_context, size_t index, struct buf *out)
{
    const struct chunk *chunk = &format_cache->chunks[index];
    const struct family_index *plan = &render_context->plan;
    struct encoder encoder = encoder_for(format_cache, render_context, out);

    if (chunk->family == END)
        encode_end(&encoder);
    else if (chunk->n == 0)
        format_head(&encoder, plan->families[chunk->family].family,
                    samples_behind(format_cache, index));
    else
        format_pieces(&encoder, render_context, &plan->pieces[chunk->first], chunk->n);
}

static void drop_text(struct render_context *render_context, struct chunk *chunk)
{
    if (chunk->text)
        render_context->kept_bytes -= block_capacity(chunk->text);
    block_unref(TAKE(chunk->text));
}

/* Keeps the text of the render_context as that of the chunk, if there is room. */
static void keep_text(const struct format_cache *format_cache,
                      struct render_context *render_context, struct chunk *chunk)
{
    const struct buf *text = &render_context->text;
    size_t before = chunk->text ? block_capacity(chunk->text) : 0;

    if (text->size == 0 || format_cache->large ||
        render_context->kept_bytes - before + text->size > FORMAT_CACHE_KEEP_BYTES) {
        drop_text(render_context, chunk);
        return;
    }
    render_context->kept_bytes -= before;
    if (block_put(render_context->pool, &chunk->text, text->data, text->size))
        render_context->kept_bytes += block_capacity(chunk->text);
}

static bool same_text(const struct chunk *chunk, const struct buf *text)
{
    return chunk->size == text->size &&
           (text->size == 0 || (chunk->text && chunk->text->size == text->size &&
                                memcmp(chunk->text->data, text->data, text->size) == 0));
}

/* Takes over what the render_context formatted. */
static void put_text(struct format_cache *format_cache, struct render_context *render_context,
                     struct chunk *chunk)
{
    struct error ignored;

    chunk->stale = false;
    format_cache->torn_ |= !buf_ok(&render_context->text, &ignored);
    if (same_text(chunk, &render_context->text))
        return;
    format_cache->size += render_context->text.size - chunk->size;
    chunk->size = render_context->text.size;
    keep_text(format_cache, render_context, chunk);
    if (format_cache->groups)
        format_cache->groups[chunk->group].stale = true;
}

static struct chunk *add_chunk(struct format_cache *format_cache, uint32_t family, uint32_t first)
{
    struct chunk *chunk;

    if (format_cache->n_chunks == format_cache->capacity_) {
        size_t capacity = format_cache->capacity_ ? format_cache->capacity_ * 2 : 128;
        struct chunk *chunks = realloc(format_cache->chunks, capacity * sizeof(*chunks));

        if (!chunks)
            return NULL;
        format_cache->chunks = chunks;
        format_cache->capacity_ = capacity;
    }
    chunk = &format_cache->chunks[format_cache->n_chunks++];
    *chunk = (struct chunk){.family = family, .first = first};
    return chunk;
}

/* Cuts the pieces of a family into chunks, which is only known when they were formatted. */
static bool add_samples(struct format_cache *format_cache, struct render_context *render_context,
                        uint32_t index)
{
    const struct page_family *family = &render_context->plan.families[index];
    struct encoder encoder = encoder_for(format_cache, render_context, &render_context->text);
    uint32_t next = family->first, end = family->first + family->n;

    while (next < end) {
        struct chunk *chunk = add_chunk(format_cache, index, next);

        if (!chunk)
            return false;
        buf_clear(&render_context->text);
        for (; next < end && render_context->text.size < CHUNK_BYTES; next++)
            format_pieces(&encoder, render_context, &render_context->plan.pieces[next], 1);
        chunk->n = next - chunk->first;
        put_text(format_cache, render_context, chunk);
    }
    return true;
}

static bool add_family(struct format_cache *format_cache, struct render_context *render_context,
                       uint32_t index)
{
    size_t head = format_cache->n_chunks;
    struct encoder encoder = encoder_for(format_cache, render_context, &render_context->text);
    size_t before = format_cache->size;

    if (!add_chunk(format_cache, index, 0) || !add_samples(format_cache, render_context, index))
        return false;
    buf_clear(&render_context->text);
    format_head(&encoder, render_context->plan.families[index].family, format_cache->size - before);
    put_text(format_cache, render_context, &format_cache->chunks[head]);
    return true;
}

/* Neighbours that together are worth compressing. */
static bool make_groups(struct format_cache *format_cache)
{
    struct chunk_group *group = NULL;
    size_t size = 0;

    format_cache->groups = calloc(format_cache->n_chunks + 1, sizeof(*format_cache->groups));
    if (!format_cache->groups)
        return false;
    for (uint32_t i = 0; i < format_cache->n_chunks; i++) {
        if (!group || size >= GROUP_BYTES) {
            group = &format_cache->groups[format_cache->n_groups++];
            *group = (struct chunk_group){.first = i, .stale = true};
            size = 0;
        }
        format_cache->chunks[i].group = (uint32_t)format_cache->n_groups - 1;
        group->n++;
        size += format_cache->chunks[i].size;
    }
    return true;
}

void format_cache_clear(struct format_cache *format_cache, struct render_context *render_context)
{
    for (size_t i = 0; i < format_cache->n_chunks; i++)
        drop_text(render_context, &format_cache->chunks[i]);
    for (size_t i = 0; i < format_cache->n_groups; i++)
        block_unref(format_cache->groups[i].packed);
    free(format_cache->chunks);
    free(format_cache->groups);
    *format_cache = (struct format_cache){.format = format_cache->format,
                                          .used_ns = format_cache->used_ns,
                                          .large = format_cache->large};
}

static bool make(struct format_cache *format_cache, struct render_context *render_context)
{
    struct chunk *end;

    format_cache_clear(format_cache, render_context);
    format_cache->version_ = render_context->plan.version;
    for (uint32_t i = 0; i < render_context->plan.n_families; i++)
        if (!add_family(format_cache, render_context, i))
            return false;
    end = add_chunk(format_cache, END, 0);
    if (!end)
        return false;
    buf_clear(&render_context->text);
    format_chunk(format_cache, render_context, format_cache->n_chunks - 1, &render_context->text);
    put_text(format_cache, render_context, end);
    format_cache->whole_ = true;
    return make_groups(format_cache);
}

static bool any_posted(const struct format_cache *format_cache,
                       const struct render_context *render_context, const struct chunk *chunk)
{
    const struct page_piece *pieces = &render_context->plan.pieces[chunk->first];

    for (size_t i = 0; i < chunk->n; i++)
        if (render_context->entries[pieces[i].slot].posts > format_cache->posts_)
            return true;
    return false;
}

static void format_again(struct format_cache *format_cache, struct render_context *render_context,
                         size_t index)
{
    buf_clear(&render_context->text);
    format_chunk(format_cache, render_context, index, &render_context->text);
    put_text(format_cache, render_context, &format_cache->chunks[index]);
}

/* Formats what was posted since; a family's head after its samples, whose size it may tell. */
static void follow(struct format_cache *format_cache, struct render_context *render_context)
{
    size_t head = 0;

    for (size_t i = 0; i + 1 < format_cache->n_chunks; i++) {
        struct chunk *chunk = &format_cache->chunks[i];
        size_t before = format_cache->size;

        if (chunk->n == 0) {
            head = i;
            continue;
        }
        if (!any_posted(format_cache, render_context, chunk))
            continue;
        format_again(format_cache, render_context, i);
        format_cache->chunks[head].stale |= format_cache->size != before;
        format_cache->whole_ &= chunk->size <= CHUNK_BYTES_MAX || chunk->n == 1;
    }
    for (size_t i = 0; i + 1 < format_cache->n_chunks; i++)
        if (format_cache->chunks[i].stale)
            format_again(format_cache, render_context, i);
}

static uint64_t last_post(const struct render_context *render_context)
{
    uint64_t posts = 0;

    for (size_t i = 0; i < render_context->n_entries; i++)
        if (render_context->entries[i].posts > posts)
            posts = render_context->entries[i].posts;
    return posts;
}

/* A page that has grown gives its texts back, and one that is half as large again keeps them. */
static void judge_size(struct format_cache *format_cache, struct render_context *render_context)
{
    if (format_cache->large) {
        format_cache->large = format_cache->size > FORMAT_CACHE_KEEP_BYTES / 2;
    } else if (format_cache->size > FORMAT_CACHE_KEEP_BYTES) {
        format_cache->large = true;
        for (size_t i = 0; i < format_cache->n_chunks; i++)
            drop_text(render_context, &format_cache->chunks[i]);
        malloc_trim(0);
    }
}

bool format_cache_update(struct format_cache *format_cache, struct render_context *render_context,
                         struct error *err)
{
    if (format_cache->whole_ && format_cache->version_ == render_context->plan.version)
        follow(format_cache, render_context);
    else if (!make(format_cache, render_context)) {
        format_cache_clear(format_cache, render_context);
        return error_memory(err);
    }
    format_cache->posts_ = last_post(render_context);
    judge_size(format_cache, render_context);
    if (!format_cache->torn_)
        return true;
    format_cache_clear(format_cache, render_context);
    return error_set(err, ERROR_LIMIT, "a part of the page has no room");
}

struct block *format_cache_text(struct format_cache *format_cache,
                                struct render_context *render_context, size_t chunk)
{
    struct error ignored;

    if (format_cache->chunks[chunk].text)
        return block_ref(format_cache->chunks[chunk].text);
    buf_clear(&render_context->text);
    format_chunk(format_cache, render_context, chunk, &render_context->text);
    if (!buf_ok(&render_context->text, &ignored))
        return NULL;
    return block_new(render_context->pool, render_context->text.data, render_context->text.size);
}

static bool pack_group(struct format_cache *format_cache, struct render_context *render_context,
                       struct chunk_group *group, struct error *err)
{
    buf_clear(&render_context->text);
    buf_clear(&render_context->packed);
    for (size_t i = group->first; i < group->first + group->n; i++) {
        const struct chunk *chunk = &format_cache->chunks[i];

        if (chunk->text)
            buf_append(&render_context->text, chunk->text->data, chunk->text->size);
        else if (chunk->size > 0)
            format_chunk(format_cache, render_context, i, &render_context->text);
    }
    group->sum = gzip_pack(render_context->gzip, render_context->text.data,
                           render_context->text.size, &render_context->packed);
    if (!buf_ok(&render_context->text, err) || !buf_ok(&render_context->packed, err))
        return false;
    if (!block_put(render_context->pool, &group->packed, render_context->packed.data,
                   render_context->packed.size))
        return error_memory(err);
    group->stale = false;
    return true;
}

bool render_context_gzip(struct render_context *render_context)
{
    if (!render_context->gzip)
        render_context->gzip = gzip_new();
    return render_context->gzip;
}

bool format_cache_gzip(struct format_cache *format_cache, struct render_context *render_context,
                       struct error *err)
{
    if (!render_context_gzip(render_context))
        return error_memory(err);
    for (size_t i = 0; i < format_cache->n_groups; i++)
        if (format_cache->groups[i].stale &&
            !pack_group(format_cache, render_context, &format_cache->groups[i], err))
            return false;
    return true;
}

void format_cache_some(enum encode_format format, struct render_context *render_context,
                       const struct page_family *family, const bool *wanted, struct buf *out)
{
    const struct page_piece *pieces = &render_context->plan.pieces[family->first];
    struct encoder encoder = {.out = out, .format = format, .options = render_context->options};
    bool begun = false;

    for (size_t i = 0; i < family->n; i++) {
        if (!wanted[pieces[i].slot] || !page_piece_samples(&pieces[i], render_context->entries))
            continue;
        if (!begun)
            encode_family(&encoder, family->family);
        begun = true;
        format_pieces(&encoder, render_context, &pieces[i], 1);
    }
    if (begun)
        encode_family_end(&encoder, family->family);
}
