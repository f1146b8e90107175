/* SPDX-License-Identifier: Apache-2.0 */
#include "web/exposition/exposition.h"

#include "base/clock.h"
#include "web/exposition/format_cache.h"
#include "web/exposition/reply_blocks.h"

#include <string.h>

#define PAGE_LIMIT_BYTES ((size_t)64 << 20)
#define SCRATCH_BYTES    ((size_t)256 << 10) /* more than that is not kept from scrape to scrape */
#define UNUSED_NS        (600 * NS_PER_SECOND)
#define GZIP_BYTES_MIN   ((size_t)1 << 10) /* below it does not pay */

struct exposition {
    struct exposition_options options;
    pthread_mutex_t lock;
    struct board_view *view;
    struct render_context render_context;
    struct format_cache renderings[ENCODE_FORMATS];
    bool *wanted; /* by slot, for filters */
    size_t n_wanted;
    struct reply_blocks_pool leases;
};

struct exposition *exposition_new(const struct exposition_options *options, struct error *err)
{
    CLEANUP(exposition_freep) struct exposition *exposition = calloc(1, sizeof(*exposition));

    if (!exposition) {
        error_memory(err);
        return NULL;
    }
    pthread_mutex_init(&exposition->lock, NULL);
    reply_blocks_pool_init(&exposition->leases);
    exposition->options = *options;
    exposition->render_context = (struct render_context){.pool = block_pool_new(),
                                                         .text = BUF_INIT(PAGE_LIMIT_BYTES),
                                                         .packed = BUF_INIT(PAGE_LIMIT_BYTES),
                                                         .options = options->encode};
    for (int format = 0; format < ENCODE_FORMATS; format++)
        exposition->renderings[format].format = (enum encode_format)format;
    exposition->view = board_view_new(options->board);
    if (!exposition->render_context.pool || !exposition->view) {
        error_memory(err);
        return NULL;
    }
    board_view_clear(exposition->view);
    return TAKE(exposition);
}

void exposition_free(struct exposition *exposition)
{
    struct render_context *render_context = &exposition->render_context;

    reply_blocks_pool_deinit(&exposition->leases);
    for (int format = 0; format < ENCODE_FORMATS; format++)
        format_cache_clear(&exposition->renderings[format], render_context);
    if (render_context->gzip)
        gzip_free(render_context->gzip);
    if (render_context->pool)
        block_pool_free(render_context->pool);
    family_index_deinit(&render_context->plan);
    buf_deinit(&render_context->text);
    buf_deinit(&render_context->packed);
    if (exposition->view)
        board_view_free(exposition->view);
    free(exposition->wanted);
    pthread_mutex_destroy(&exposition->lock);
    free(exposition);
}

void exposition_release(void *lease)
{
    reply_blocks_release(lease);
}

static struct reply_blocks *lease_text(struct exposition *exposition,
                                       struct format_cache *format_cache)
{
    CLEANUP(reply_blocks_releasep)
    struct reply_blocks *lease = reply_blocks_new(&exposition->leases, format_cache->n_chunks);

    for (size_t i = 0; lease && i < format_cache->n_chunks; i++)
        if (format_cache->chunks[i].size > 0 &&
            !reply_blocks_add_block(
                lease, format_cache_text(format_cache, &exposition->render_context, i)))
            return NULL;
    return TAKE(lease);
}

static struct reply_blocks *lease_packed(struct exposition *exposition,
                                         struct format_cache *format_cache, struct error *err)
{
    CLEANUP(reply_blocks_releasep) struct reply_blocks *lease = NULL;
    struct gzip_sum sum = {0};

    if (!format_cache_gzip(format_cache, &exposition->render_context, err))
        return NULL;
    lease = reply_blocks_new(&exposition->leases, format_cache->n_groups + 2);
    if (!lease) {
        error_memory(err);
        return NULL;
    }
    reply_blocks_add(lease, gzip_start, sizeof(gzip_start));
    for (size_t i = 0; i < format_cache->n_groups; i++) {
        if (!reply_blocks_add_block(lease, block_ref(format_cache->groups[i].packed)))
            return NULL;
        sum = gzip_join(sum, format_cache->groups[i].sum);
    }
    gzip_finish(sum, lease->finish);
    reply_blocks_add(lease, lease->finish, sizeof(lease->finish));
    return TAKE(lease);
}

static bool contains(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* What is nobody's is the exporter's own, which no list of collectors speaks against. */
static bool owner_wanted(const struct exposition_filter *filter, const char *owner)
{
    if (!owner)
        return true;
    return (filter->n_collect == 0 || contains(filter->collect, filter->n_collect, owner)) &&
           !contains(filter->exclude, filter->n_exclude, owner);
}

static bool choose_slots(struct exposition *exposition, const struct exposition_filter *filter)
{
    const struct render_context *render_context = &exposition->render_context;

    if (render_context->n_entries > exposition->n_wanted) {
        free(exposition->wanted);
        exposition->n_wanted = 0;
        exposition->wanted = calloc(render_context->n_entries, sizeof(bool));
        if (!exposition->wanted)
            return false;
        exposition->n_wanted = render_context->n_entries;
    }
    for (size_t i = 0; i < render_context->n_entries; i++)
        exposition->wanted[i] = owner_wanted(filter, render_context->entries[i].owner);
    return true;
}

/* A page that is made for once: nothing of it is kept, and nothing that is kept changes. */
static bool format_some(struct exposition *exposition, enum encode_format format,
                        const struct exposition_filter *filter, struct error *err)
{
    struct render_context *render_context = &exposition->render_context;
    struct encoder encoder = {.out = &render_context->text, .format = format};

    if (!choose_slots(exposition, filter))
        return error_memory(err);
    buf_clear(&render_context->text);
    for (size_t i = 0; i < render_context->plan.n_families; i++) {
        const struct page_family *family = &render_context->plan.families[i];

        if (filter->n_names == 0 || contains(filter->names, filter->n_names, family->family->name))
            format_cache_some(format, render_context, family, exposition->wanted,
                              &render_context->text);
    }
    encode_end(&encoder);
    return buf_ok(&render_context->text, err);
}

/* The text of the render_context as a page of its own. */
static struct reply_blocks *lease_some(struct exposition *exposition, bool gzip, struct error *err)
{
    struct render_context *render_context = &exposition->render_context;
    CLEANUP(reply_blocks_releasep)
    struct reply_blocks *lease = reply_blocks_new(&exposition->leases, 3);
    const struct buf *bytes = gzip ? &render_context->packed : &render_context->text;
    struct gzip_sum sum;

    if (!lease || (gzip && !render_context_gzip(render_context))) {
        error_memory(err);
        return NULL;
    }
    if (gzip) {
        buf_clear(&render_context->packed);
        sum = gzip_pack(render_context->gzip, render_context->text.data, render_context->text.size,
                        &render_context->packed);
        if (!buf_ok(&render_context->packed, err))
            return NULL;
        reply_blocks_add(lease, gzip_start, sizeof(gzip_start));
        gzip_finish(sum, lease->finish);
    }
    if (bytes->size > 0 &&
        !reply_blocks_add_block(lease, block_new(render_context->pool, bytes->data, bytes->size))) {
        error_memory(err);
        return NULL;
    }
    if (gzip)
        reply_blocks_add(lease, lease->finish, sizeof(lease->finish));
    return TAKE(lease);
}

/* Large scratch space is rare, and given back. */
static void tidy(struct exposition *exposition, int64_t now)
{
    struct render_context *render_context = &exposition->render_context;

    buf_clear_to(&render_context->text, SCRATCH_BYTES);
    buf_clear_to(&render_context->packed, SCRATCH_BYTES);
    for (int format = 0; format < ENCODE_FORMATS; format++)
        if (exposition->renderings[format].n_chunks > 0 &&
            now - exposition->renderings[format].used_ns > UNUSED_NS)
            format_cache_clear(&exposition->renderings[format], render_context);
    board_view_clear(exposition->view);
}

static bool is_filter(const struct exposition_filter *filter)
{
    return filter && filter->n_names + filter->n_collect + filter->n_exclude > 0;
}

/* Sees what the board shows, until tidy(). */
static bool look(struct exposition *exposition, struct error *err)
{
    struct render_context *render_context = &exposition->render_context;

    if (!board_view_refresh(exposition->options.board, exposition->view))
        return error_memory(err);
    render_context->entries = board_entries(exposition->view, &render_context->n_entries);
    return family_index_follow(&render_context->plan, render_context->entries,
                               render_context->n_entries, exposition->options.exporter_metrics) ||
           error_memory(err);
}

static struct reply_blocks *render(struct exposition *exposition, enum encode_format format,
                                   bool *gzip, const struct exposition_filter *filter,
                                   struct error *err)
{
    struct format_cache *format_cache = &exposition->renderings[format];
    struct reply_blocks *lease;

    if (is_filter(filter)) {
        if (!format_some(exposition, format, filter, err))
            return NULL;
        *gzip &= exposition->render_context.text.size >= GZIP_BYTES_MIN;
        return lease_some(exposition, *gzip, err);
    }
    if (!format_cache_update(format_cache, &exposition->render_context, err))
        return NULL;
    *gzip &= format_cache->size >= GZIP_BYTES_MIN;
    if (*gzip)
        return lease_packed(exposition, format_cache, err);
    lease = lease_text(exposition, format_cache);
    if (!lease)
        error_memory(err);
    return lease;
}

bool exposition_render(struct exposition *exposition, enum encode_format format, bool gzip,
                       const struct exposition_filter *filter, struct exposition_page *page,
                       struct error *err)
{
    struct reply_blocks *lease;
    int64_t now = clock_now_ns();
    LOCK_SCOPE(&exposition->lock);

    exposition->renderings[format].used_ns = now;
    lease = look(exposition, err) ? render(exposition, format, &gzip, filter, err) : NULL;
    tidy(exposition, now);
    if (!lease)
        return false;
    *page = (struct exposition_page){lease->parts, lease->n, lease->size, gzip, lease};
    return true;
}

bool exposition_is_large(struct exposition *exposition, enum encode_format format)
{
    LOCK_SCOPE(&exposition->lock);

    return exposition->renderings[format].large;
}
