/* SPDX-License-Identifier: Apache-2.0 */
#include "web/exposition/format_cache.h"

#include <malloc.h>
#include <string.h>

#define CHUNK_BYTES     ((size_t)16 << 10) /* how large a chunk is made */
#define CHUNK_BYTES_MAX ((size_t)32 << 10) /* and may get, before all are made anew */
#define GROUP_BYTES     ((size_t)64 << 10)
#define END             UINT32_MAX /* the family of the last chunk */

static struct encoder encoder_for(const struct rendering *rendering,
                                  const struct workshop *workshop, struct buf *out)
{
    return (struct encoder){.out = out, .format = rendering->format, .options = workshop->options};
}

static void format_pieces(struct encoder *encoder, const struct workshop *workshop,
                          const struct page_piece *pieces, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct sample *samples = page_piece_samples(&pieces[i], workshop->entries);
        const struct snapshot *snapshot = workshop->entries[pieces[i].slot].snapshot;

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
static size_t samples_behind(const struct rendering *rendering, size_t head)
{
    size_t size = 0;

    for (size_t i = head + 1; rendering->chunks[i].family == rendering->chunks[head].family; i++)
        size += rendering->chunks[i].size;
    return size;
}

static void format_chunk(const struct rendering *rendering, const struct workshop *workshop,
                         size_t index, struct buf *out)
{
    const struct chunk *chunk = &rendering->chunks[index];
    const struct page_plan *plan = &workshop->plan;
    struct encoder encoder = encoder_for(rendering, workshop, out);

    if (chunk->family == END)
        encode_end(&encoder);
    else if (chunk->n == 0)
        format_head(&encoder, plan->families[chunk->family].family,
                    samples_behind(rendering, index));
    else
        format_pieces(&encoder, workshop, &plan->pieces[chunk->first], chunk->n);
}

static void drop_text(struct workshop *workshop, struct chunk *chunk)
{
    if (chunk->text)
        workshop->kept_bytes -= block_capacity(chunk->text);
    block_unref(TAKE(chunk->text));
}

/* Keeps the text of the workshop as that of the chunk, if there is room. */
static void keep_text(const struct rendering *rendering, struct workshop *workshop,
                      struct chunk *chunk)
{
    const struct buf *text = &workshop->text;
    size_t before = chunk->text ? block_capacity(chunk->text) : 0;

    if (text->size == 0 || rendering->large ||
        workshop->kept_bytes - before + text->size > RENDERING_KEEP_BYTES) {
        drop_text(workshop, chunk);
        return;
    }
    workshop->kept_bytes -= before;
    if (block_put(workshop->pool, &chunk->text, text->data, text->size))
        workshop->kept_bytes += block_capacity(chunk->text);
}

static bool same_text(const struct chunk *chunk, const struct buf *text)
{
    return chunk->size == text->size &&
           (text->size == 0 || (chunk->text && chunk->text->size == text->size &&
                                memcmp(chunk->text->data, text->data, text->size) == 0));
}

/* Takes over what the workshop formatted. */
static void put_text(struct rendering *rendering, struct workshop *workshop, struct chunk *chunk)
{
    struct error ignored;

    chunk->stale = false;
    rendering->torn_ |= !buf_ok(&workshop->text, &ignored);
    if (same_text(chunk, &workshop->text))
        return;
    rendering->size += workshop->text.size - chunk->size;
    chunk->size = workshop->text.size;
    keep_text(rendering, workshop, chunk);
    if (rendering->groups)
        rendering->groups[chunk->group].stale = true;
}

static struct chunk *add_chunk(struct rendering *rendering, uint32_t family, uint32_t first)
{
    struct chunk *chunk;

    if (rendering->n_chunks == rendering->capacity_) {
        size_t capacity = rendering->capacity_ ? rendering->capacity_ * 2 : 128;
        struct chunk *chunks = realloc(rendering->chunks, capacity * sizeof(*chunks));

        if (!chunks)
            return NULL;
        rendering->chunks = chunks;
        rendering->capacity_ = capacity;
    }
    chunk = &rendering->chunks[rendering->n_chunks++];
    *chunk = (struct chunk){.family = family, .first = first};
    return chunk;
}

/* Cuts the pieces of a family into chunks, which is only known when they were formatted. */
static bool add_samples(struct rendering *rendering, struct workshop *workshop, uint32_t index)
{
    const struct page_family *family = &workshop->plan.families[index];
    struct encoder encoder = encoder_for(rendering, workshop, &workshop->text);
    uint32_t next = family->first, end = family->first + family->n;

    while (next < end) {
        struct chunk *chunk = add_chunk(rendering, index, next);

        if (!chunk)
            return false;
        buf_clear(&workshop->text);
        for (; next < end && workshop->text.size < CHUNK_BYTES; next++)
            format_pieces(&encoder, workshop, &workshop->plan.pieces[next], 1);
        chunk->n = next - chunk->first;
        put_text(rendering, workshop, chunk);
    }
    return true;
}

static bool add_family(struct rendering *rendering, struct workshop *workshop, uint32_t index)
{
    size_t head = rendering->n_chunks;
    struct encoder encoder = encoder_for(rendering, workshop, &workshop->text);
    size_t before = rendering->size;

    if (!add_chunk(rendering, index, 0) || !add_samples(rendering, workshop, index))
        return false;
    buf_clear(&workshop->text);
    format_head(&encoder, workshop->plan.families[index].family, rendering->size - before);
    put_text(rendering, workshop, &rendering->chunks[head]);
    return true;
}

/* Neighbours that together are worth compressing. */
static bool make_groups(struct rendering *rendering)
{
    struct chunk_group *group = NULL;
    size_t size = 0;

    rendering->groups = calloc(rendering->n_chunks + 1, sizeof(*rendering->groups));
    if (!rendering->groups)
        return false;
    for (uint32_t i = 0; i < rendering->n_chunks; i++) {
        if (!group || size >= GROUP_BYTES) {
            group = &rendering->groups[rendering->n_groups++];
            *group = (struct chunk_group){.first = i, .stale = true};
            size = 0;
        }
        rendering->chunks[i].group = (uint32_t)rendering->n_groups - 1;
        group->n++;
        size += rendering->chunks[i].size;
    }
    return true;
}

void rendering_clear(struct rendering *rendering, struct workshop *workshop)
{
    for (size_t i = 0; i < rendering->n_chunks; i++)
        drop_text(workshop, &rendering->chunks[i]);
    for (size_t i = 0; i < rendering->n_groups; i++)
        block_unref(rendering->groups[i].packed);
    free(rendering->chunks);
    free(rendering->groups);
    *rendering = (struct rendering){
        .format = rendering->format, .used_ns = rendering->used_ns, .large = rendering->large};
}

static bool make(struct rendering *rendering, struct workshop *workshop)
{
    struct chunk *end;

    rendering_clear(rendering, workshop);
    rendering->version_ = workshop->plan.version;
    for (uint32_t i = 0; i < workshop->plan.n_families; i++)
        if (!add_family(rendering, workshop, i))
            return false;
    end = add_chunk(rendering, END, 0);
    if (!end)
        return false;
    buf_clear(&workshop->text);
    format_chunk(rendering, workshop, rendering->n_chunks - 1, &workshop->text);
    put_text(rendering, workshop, end);
    rendering->whole_ = true;
    return make_groups(rendering);
}

static bool any_posted(const struct rendering *rendering, const struct workshop *workshop,
                       const struct chunk *chunk)
{
    const struct page_piece *pieces = &workshop->plan.pieces[chunk->first];

    for (size_t i = 0; i < chunk->n; i++)
        if (workshop->entries[pieces[i].slot].posts > rendering->posts_)
            return true;
    return false;
}

static void format_again(struct rendering *rendering, struct workshop *workshop, size_t index)
{
    buf_clear(&workshop->text);
    format_chunk(rendering, workshop, index, &workshop->text);
    put_text(rendering, workshop, &rendering->chunks[index]);
}

/* Formats what was posted since; a family's head after its samples, whose size it may tell. */
static void follow(struct rendering *rendering, struct workshop *workshop)
{
    size_t head = 0;

    for (size_t i = 0; i + 1 < rendering->n_chunks; i++) {
        struct chunk *chunk = &rendering->chunks[i];
        size_t before = rendering->size;

        if (chunk->n == 0) {
            head = i;
            continue;
        }
        if (!any_posted(rendering, workshop, chunk))
            continue;
        format_again(rendering, workshop, i);
        rendering->chunks[head].stale |= rendering->size != before;
        rendering->whole_ &= chunk->size <= CHUNK_BYTES_MAX || chunk->n == 1;
    }
    for (size_t i = 0; i + 1 < rendering->n_chunks; i++)
        if (rendering->chunks[i].stale)
            format_again(rendering, workshop, i);
}

static uint64_t last_post(const struct workshop *workshop)
{
    uint64_t posts = 0;

    for (size_t i = 0; i < workshop->n_entries; i++)
        if (workshop->entries[i].posts > posts)
            posts = workshop->entries[i].posts;
    return posts;
}

/* A page that has grown gives its texts back, and one that is half as large again keeps them. */
static void judge_size(struct rendering *rendering, struct workshop *workshop)
{
    if (rendering->large) {
        rendering->large = rendering->size > RENDERING_KEEP_BYTES / 2;
    } else if (rendering->size > RENDERING_KEEP_BYTES) {
        rendering->large = true;
        for (size_t i = 0; i < rendering->n_chunks; i++)
            drop_text(workshop, &rendering->chunks[i]);
        malloc_trim(0);
    }
}

bool rendering_update(struct rendering *rendering, struct workshop *workshop, struct error *err)
{
    if (rendering->whole_ && rendering->version_ == workshop->plan.version)
        follow(rendering, workshop);
    else if (!make(rendering, workshop)) {
        rendering_clear(rendering, workshop);
        return error_memory(err);
    }
    rendering->posts_ = last_post(workshop);
    judge_size(rendering, workshop);
    if (!rendering->torn_)
        return true;
    rendering_clear(rendering, workshop);
    return error_set(err, ERROR_LIMIT, "a part of the page has no room");
}

struct block *rendering_text(struct rendering *rendering, struct workshop *workshop, size_t chunk)
{
    struct error ignored;

    if (rendering->chunks[chunk].text)
        return block_ref(rendering->chunks[chunk].text);
    buf_clear(&workshop->text);
    format_chunk(rendering, workshop, chunk, &workshop->text);
    if (!buf_ok(&workshop->text, &ignored))
        return NULL;
    return block_new(workshop->pool, workshop->text.data, workshop->text.size);
}

static bool pack_group(struct rendering *rendering, struct workshop *workshop,
                       struct chunk_group *group, struct error *err)
{
    buf_clear(&workshop->text);
    buf_clear(&workshop->packed);
    for (size_t i = group->first; i < group->first + group->n; i++) {
        const struct chunk *chunk = &rendering->chunks[i];

        if (chunk->text)
            buf_append(&workshop->text, chunk->text->data, chunk->text->size);
        else if (chunk->size > 0)
            format_chunk(rendering, workshop, i, &workshop->text);
    }
    group->sum =
        gzip_pack(workshop->gzip, workshop->text.data, workshop->text.size, &workshop->packed);
    if (!buf_ok(&workshop->text, err) || !buf_ok(&workshop->packed, err))
        return false;
    if (!block_put(workshop->pool, &group->packed, workshop->packed.data, workshop->packed.size))
        return error_memory(err);
    group->stale = false;
    return true;
}

bool workshop_gzip(struct workshop *workshop)
{
    if (!workshop->gzip)
        workshop->gzip = gzip_new();
    return workshop->gzip;
}

bool rendering_pack(struct rendering *rendering, struct workshop *workshop, struct error *err)
{
    if (!workshop_gzip(workshop))
        return error_memory(err);
    for (size_t i = 0; i < rendering->n_groups; i++)
        if (rendering->groups[i].stale &&
            !pack_group(rendering, workshop, &rendering->groups[i], err))
            return false;
    return true;
}

void rendering_some(enum encode_format format, struct workshop *workshop,
                    const struct page_family *family, const bool *wanted, struct buf *out)
{
    const struct page_piece *pieces = &workshop->plan.pieces[family->first];
    struct encoder encoder = {.out = out, .format = format, .options = workshop->options};
    bool begun = false;

    for (size_t i = 0; i < family->n; i++) {
        if (!wanted[pieces[i].slot] || !page_piece_samples(&pieces[i], workshop->entries))
            continue;
        if (!begun)
            encode_family(&encoder, family->family);
        begun = true;
        format_pieces(&encoder, workshop, &pieces[i], 1);
    }
    if (begun)
        encode_family_end(&encoder, family->family);
}
