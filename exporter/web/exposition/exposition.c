/* SPDX-License-Identifier: Apache-2.0 */
#include "web/exposition/exposition.h"

#include "base/clock.h"
#include "web/exposition/format_cache.h"
#include "web/exposition/reply_blocks.h"

#include <string.h>

#define PAGE_LIMIT_BYTES ((size_t)64 << 20)
#define SCRATCH_BYTES    ((size_t)256 << 10) /* larger scratch buffers are freed after the scrape */
#define UNUSED_NS        (600 * NS_PER_SECOND)
#define GZIP_BYTES_MIN   ((size_t)1 << 10) /* smaller pages are not compressed */

struct exposition {
    struct exposition_options options;
    pthread_mutex_t lock;
    struct board_view *view;
    struct render_context context;
    struct format_cache caches[ENCODE_FORMATS];
    bool *selected; /* by slot; for filters */
    size_t n_selected;
};

struct exposition *exposition_new(const struct exposition_options *options, struct error *err)
{
    CLEANUP(exposition_freep) struct exposition *exposition = calloc(1, sizeof(*exposition));

    if (!exposition) {
        error_memory(err);
        return NULL;
    }
    pthread_mutex_init(&exposition->lock, NULL);
    exposition->options = *options;
    exposition->context = (struct render_context){.pool = block_pool_new(),
                                                  .text = BUF_INIT(PAGE_LIMIT_BYTES),
                                                  .packed = BUF_INIT(PAGE_LIMIT_BYTES),
                                                  .options = options->encode};
    for (int format = 0; format < ENCODE_FORMATS; format++)
        exposition->caches[format].format = (enum encode_format)format;
    exposition->view = board_view_new(options->board);
    if (!exposition->context.pool || !exposition->view) {
        error_memory(err);
        return NULL;
    }
    board_view_clear(exposition->view);
    return TAKE(exposition);
}

void exposition_free(struct exposition *exposition)
{
    struct render_context *context = &exposition->context;

    for (int format = 0; format < ENCODE_FORMATS; format++)
        format_cache_clear(&exposition->caches[format], context);
    if (context->gzip)
        gzip_free(context->gzip);
    if (context->pool)
        block_pool_free(context->pool);
    family_index_deinit(&context->index);
    buf_deinit(&context->text);
    buf_deinit(&context->packed);
    if (exposition->view)
        board_view_free(exposition->view);
    free(exposition->selected);
    pthread_mutex_destroy(&exposition->lock);
    free(exposition);
}

void exposition_release(void *blocks)
{
    reply_blocks_release(blocks);
}

static struct reply_blocks *text_blocks(struct exposition *exposition, struct format_cache *cache)
{
    CLEANUP(reply_blocks_releasep)
    struct reply_blocks *blocks = reply_blocks_new(cache->n_chunks);

    for (size_t i = 0; blocks && i < cache->n_chunks; i++)
        if (cache->chunks[i].size > 0 &&
            !reply_blocks_add_block(blocks, format_cache_text(cache, &exposition->context, i)))
            return NULL;
    return TAKE(blocks);
}

static struct reply_blocks *gzip_blocks(struct exposition *exposition, struct format_cache *cache,
                                        struct error *err)
{
    CLEANUP(reply_blocks_releasep) struct reply_blocks *blocks = NULL;
    struct gzip_sum sum = {0};

    if (!format_cache_gzip(cache, &exposition->context, err))
        return NULL;
    blocks = reply_blocks_new(cache->n_groups + 2);
    if (!blocks) {
        error_memory(err);
        return NULL;
    }
    reply_blocks_add(blocks, gzip_start, sizeof(gzip_start));
    for (size_t i = 0; i < cache->n_groups; i++) {
        if (!reply_blocks_add_block(blocks, block_ref(cache->groups[i].packed)))
            return NULL;
        sum = gzip_join(sum, cache->groups[i].sum);
    }
    gzip_finish(sum, blocks->finish);
    reply_blocks_add(blocks, blocks->finish, sizeof(blocks->finish));
    return TAKE(blocks);
}

static bool contains(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Families without a collector belong to the exporter itself: collect[] and exclude[] do not affect
 * them. */
static bool is_selected(const struct exposition_filter *filter, const char *owner)
{
    if (!owner)
        return true;
    return (filter->n_collect == 0 || contains(filter->collect, filter->n_collect, owner)) &&
           !contains(filter->exclude, filter->n_exclude, owner);
}

static bool choose_slots(struct exposition *exposition, const struct exposition_filter *filter)
{
    const struct render_context *context = &exposition->context;

    if (context->n_entries > exposition->n_selected) {
        free(exposition->selected);
        exposition->n_selected = 0;
        exposition->selected = calloc(context->n_entries, sizeof(bool));
        if (!exposition->selected)
            return false;
        exposition->n_selected = context->n_entries;
    }
    for (size_t i = 0; i < context->n_entries; i++)
        exposition->selected[i] = is_selected(filter, context->entries[i].owner);
    return true;
}

/* Formats a filtered page, without the cache. */
static bool format_filtered(struct exposition *exposition, enum encode_format format,
                            const struct exposition_filter *filter, struct error *err)
{
    struct render_context *context = &exposition->context;
    struct encoder encoder = {.out = &context->text, .format = format};

    if (!choose_slots(exposition, filter))
        return error_memory(err);
    buf_clear(&context->text);
    for (size_t i = 0; i < context->index.n_families; i++) {
        const struct page_family *family = &context->index.families[i];

        if (filter->n_names == 0 || contains(filter->names, filter->n_names, family->family->name))
            format_cache_filtered(format, context, family, exposition->selected, &context->text);
    }
    encode_end(&encoder);
    return buf_ok(&context->text, err);
}

/* The text of the context as a page. */
static struct reply_blocks *filtered_blocks(struct exposition *exposition, bool gzip,
                                            struct error *err)
{
    struct render_context *context = &exposition->context;
    CLEANUP(reply_blocks_releasep)
    struct reply_blocks *blocks = reply_blocks_new(3);
    const struct buf *bytes = gzip ? &context->packed : &context->text;
    struct gzip_sum sum;

    if (!blocks || (gzip && !render_context_gzip(context))) {
        error_memory(err);
        return NULL;
    }
    if (gzip) {
        buf_clear(&context->packed);
        sum = gzip_pack(context->gzip, context->text.data, context->text.size, &context->packed);
        if (!buf_ok(&context->packed, err))
            return NULL;
        reply_blocks_add(blocks, gzip_start, sizeof(gzip_start));
        gzip_finish(sum, blocks->finish);
    }
    if (bytes->size > 0 &&
        !reply_blocks_add_block(blocks, block_new(context->pool, bytes->data, bytes->size))) {
        error_memory(err);
        return NULL;
    }
    if (gzip)
        reply_blocks_add(blocks, blocks->finish, sizeof(blocks->finish));
    return TAKE(blocks);
}

/* Frees large scratch buffers and unused caches, and releases the snapshots of the board. */
static void release_view(struct exposition *exposition, int64_t now)
{
    struct render_context *context = &exposition->context;

    buf_clear_to(&context->text, SCRATCH_BYTES);
    buf_clear_to(&context->packed, SCRATCH_BYTES);
    for (int format = 0; format < ENCODE_FORMATS; format++)
        if (exposition->caches[format].n_chunks > 0 &&
            now - exposition->caches[format].used_ns > UNUSED_NS)
            format_cache_clear(&exposition->caches[format], context);
    board_view_clear(exposition->view);
}

static bool has_filter(const struct exposition_filter *filter)
{
    return filter && filter->n_names + filter->n_collect + filter->n_exclude > 0;
}

/* Updates the view of the board; it holds the snapshots until release_view(). */
static bool update_view(struct exposition *exposition, struct error *err)
{
    struct render_context *context = &exposition->context;

    if (!board_view_refresh(exposition->options.board, exposition->view))
        return error_memory(err);
    context->entries = board_entries(exposition->view, &context->n_entries);
    return family_index_follow(&context->index, context->entries, context->n_entries,
                               exposition->options.exporter_metrics) ||
           error_memory(err);
}

static struct reply_blocks *render(struct exposition *exposition, enum encode_format format,
                                   bool *gzip, const struct exposition_filter *filter,
                                   struct error *err)
{
    struct format_cache *cache = &exposition->caches[format];
    struct reply_blocks *blocks;

    if (has_filter(filter)) {
        if (!format_filtered(exposition, format, filter, err))
            return NULL;
        *gzip &= exposition->context.text.size >= GZIP_BYTES_MIN;
        return filtered_blocks(exposition, *gzip, err);
    }
    if (!format_cache_update(cache, &exposition->context, err))
        return NULL;
    *gzip &= cache->size >= GZIP_BYTES_MIN;
    if (*gzip)
        return gzip_blocks(exposition, cache, err);
    blocks = text_blocks(exposition, cache);
    if (!blocks)
        error_memory(err);
    return blocks;
}

bool exposition_render(struct exposition *exposition, enum encode_format format, bool gzip,
                       const struct exposition_filter *filter, struct exposition_page *page,
                       struct error *err)
{
    struct reply_blocks *blocks;
    int64_t now = clock_now_ns();
    LOCK_SCOPE(&exposition->lock);

    exposition->caches[format].used_ns = now;
    blocks = update_view(exposition, err) ? render(exposition, format, &gzip, filter, err) : NULL;
    release_view(exposition, now);
    if (!blocks)
        return false;
    *page = (struct exposition_page){blocks->parts, blocks->n, blocks->size, gzip, blocks};
    return true;
}

bool exposition_is_large(struct exposition *exposition, enum encode_format format)
{
    LOCK_SCOPE(&exposition->lock);

    return exposition->caches[format].large;
}
