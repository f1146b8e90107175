/* SPDX-License-Identifier: Apache-2.0 */
#include "web/exposition/exposition.h"

#include "base/clock.h"
#include "web/exposition/reply_blocks.h"
#include "web/exposition/format_cache.h"

#include <string.h>

#define PAGE_LIMIT_BYTES ((size_t)64 << 20)
#define SCRATCH_BYTES    ((size_t)256 << 10) /* more than that is not kept from scrape to scrape */
#define UNUSED_NS        (600 * NS_PER_SECOND)
#define GZIP_BYTES_MIN   ((size_t)1 << 10) /* below it does not pay */

struct exposition {
    struct exposition_options options;
    pthread_mutex_t lock;
    struct board_view *view;
    struct workshop workshop;
    struct rendering renderings[ENCODE_FORMATS];
    bool *wanted; /* by slot, for filters */
    size_t n_wanted;
    struct lease_pool leases;
};

struct exposition *exposition_new(const struct exposition_options *options, struct error *err)
{
    CLEANUP(exposition_freep) struct exposition *exposition = calloc(1, sizeof(*exposition));

    if (!exposition) {
        error_memory(err);
        return NULL;
    }
    pthread_mutex_init(&exposition->lock, NULL);
    lease_pool_init(&exposition->leases);
    exposition->options = *options;
    exposition->workshop = (struct workshop){.pool = block_pool_new(),
                                             .text = BUF_INIT(PAGE_LIMIT_BYTES),
                                             .packed = BUF_INIT(PAGE_LIMIT_BYTES),
                                             .options = options->encode};
    for (int format = 0; format < ENCODE_FORMATS; format++)
        exposition->renderings[format].format = (enum encode_format)format;
    exposition->view = board_look(options->board);
    if (!exposition->workshop.pool || !exposition->view) {
        error_memory(err);
        return NULL;
    }
    board_view_let_go(exposition->view);
    return TAKE(exposition);
}

void exposition_free(struct exposition *exposition)
{
    struct workshop *workshop = &exposition->workshop;

    lease_pool_deinit(&exposition->leases);
    for (int format = 0; format < ENCODE_FORMATS; format++)
        rendering_clear(&exposition->renderings[format], workshop);
    if (workshop->gzip)
        gzip_free(workshop->gzip);
    if (workshop->pool)
        block_pool_free(workshop->pool);
    page_plan_deinit(&workshop->plan);
    buf_deinit(&workshop->text);
    buf_deinit(&workshop->packed);
    if (exposition->view)
        board_view_free(exposition->view);
    free(exposition->wanted);
    pthread_mutex_destroy(&exposition->lock);
    free(exposition);
}

void exposition_release(void *lease)
{
    lease_release(lease);
}

static struct exposition_lease *lease_text(struct exposition *exposition,
                                           struct rendering *rendering)
{
    CLEANUP(lease_releasep)
    struct exposition_lease *lease = lease_new(&exposition->leases, rendering->n_chunks);

    for (size_t i = 0; lease && i < rendering->n_chunks; i++)
        if (rendering->chunks[i].size > 0 &&
            !lease_add_block(lease, rendering_text(rendering, &exposition->workshop, i)))
            return NULL;
    return TAKE(lease);
}

static struct exposition_lease *lease_packed(struct exposition *exposition,
                                             struct rendering *rendering, struct error *err)
{
    CLEANUP(lease_releasep) struct exposition_lease *lease = NULL;
    struct gzip_sum sum = {0};

    if (!rendering_pack(rendering, &exposition->workshop, err))
        return NULL;
    lease = lease_new(&exposition->leases, rendering->n_groups + 2);
    if (!lease) {
        error_memory(err);
        return NULL;
    }
    lease_add(lease, gzip_start, sizeof(gzip_start));
    for (size_t i = 0; i < rendering->n_groups; i++) {
        if (!lease_add_block(lease, block_ref(rendering->groups[i].packed)))
            return NULL;
        sum = gzip_join(sum, rendering->groups[i].sum);
    }
    gzip_finish(sum, lease->finish);
    lease_add(lease, lease->finish, sizeof(lease->finish));
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
    const struct workshop *workshop = &exposition->workshop;

    if (workshop->n_entries > exposition->n_wanted) {
        free(exposition->wanted);
        exposition->n_wanted = 0;
        exposition->wanted = calloc(workshop->n_entries, sizeof(bool));
        if (!exposition->wanted)
            return false;
        exposition->n_wanted = workshop->n_entries;
    }
    for (size_t i = 0; i < workshop->n_entries; i++)
        exposition->wanted[i] = owner_wanted(filter, workshop->entries[i].owner);
    return true;
}

/* A page that is made for once: nothing of it is kept, and nothing that is kept changes. */
static bool format_some(struct exposition *exposition, enum encode_format format,
                        const struct exposition_filter *filter, struct error *err)
{
    struct workshop *workshop = &exposition->workshop;
    struct encoder encoder = {.out = &workshop->text, .format = format};

    if (!choose_slots(exposition, filter))
        return error_memory(err);
    buf_clear(&workshop->text);
    for (size_t i = 0; i < workshop->plan.n_families; i++) {
        const struct page_family *family = &workshop->plan.families[i];

        if (filter->n_names == 0 || contains(filter->names, filter->n_names, family->family->name))
            rendering_some(format, workshop, family, exposition->wanted, &workshop->text);
    }
    encode_end(&encoder);
    return buf_ok(&workshop->text, err);
}

/* The text of the workshop as a page of its own. */
static struct exposition_lease *lease_some(struct exposition *exposition, bool gzip,
                                           struct error *err)
{
    struct workshop *workshop = &exposition->workshop;
    CLEANUP(lease_releasep)
    struct exposition_lease *lease = lease_new(&exposition->leases, 3);
    const struct buf *bytes = gzip ? &workshop->packed : &workshop->text;
    struct gzip_sum sum;

    if (!lease || (gzip && !workshop_gzip(workshop))) {
        error_memory(err);
        return NULL;
    }
    if (gzip) {
        buf_clear(&workshop->packed);
        sum =
            gzip_pack(workshop->gzip, workshop->text.data, workshop->text.size, &workshop->packed);
        if (!buf_ok(&workshop->packed, err))
            return NULL;
        lease_add(lease, gzip_start, sizeof(gzip_start));
        gzip_finish(sum, lease->finish);
    }
    if (bytes->size > 0 &&
        !lease_add_block(lease, block_new(workshop->pool, bytes->data, bytes->size))) {
        error_memory(err);
        return NULL;
    }
    if (gzip)
        lease_add(lease, lease->finish, sizeof(lease->finish));
    return TAKE(lease);
}

/* Large scratch space is rare, and given back. */
static void tidy(struct exposition *exposition, int64_t now)
{
    struct workshop *workshop = &exposition->workshop;

    buf_clear_to(&workshop->text, SCRATCH_BYTES);
    buf_clear_to(&workshop->packed, SCRATCH_BYTES);
    for (int format = 0; format < ENCODE_FORMATS; format++)
        if (exposition->renderings[format].n_chunks > 0 &&
            now - exposition->renderings[format].used_ns > UNUSED_NS)
            rendering_clear(&exposition->renderings[format], workshop);
    board_view_let_go(exposition->view);
}

static bool is_filter(const struct exposition_filter *filter)
{
    return filter && filter->n_names + filter->n_collect + filter->n_exclude > 0;
}

/* Sees what the board shows, until tidy(). */
static bool look(struct exposition *exposition, struct error *err)
{
    struct workshop *workshop = &exposition->workshop;

    if (!board_look_again(exposition->options.board, exposition->view))
        return error_memory(err);
    workshop->entries = board_entries(exposition->view, &workshop->n_entries);
    return page_plan_follow(&workshop->plan, workshop->entries, workshop->n_entries,
                            exposition->options.exporter_metrics) ||
           error_memory(err);
}

static struct exposition_lease *render(struct exposition *exposition, enum encode_format format,
                                       bool *gzip, const struct exposition_filter *filter,
                                       struct error *err)
{
    struct rendering *rendering = &exposition->renderings[format];
    struct exposition_lease *lease;

    if (is_filter(filter)) {
        if (!format_some(exposition, format, filter, err))
            return NULL;
        *gzip &= exposition->workshop.text.size >= GZIP_BYTES_MIN;
        return lease_some(exposition, *gzip, err);
    }
    if (!rendering_update(rendering, &exposition->workshop, err))
        return NULL;
    *gzip &= rendering->size >= GZIP_BYTES_MIN;
    if (*gzip)
        return lease_packed(exposition, rendering, err);
    lease = lease_text(exposition, rendering);
    if (!lease)
        error_memory(err);
    return lease;
}

bool exposition_render(struct exposition *exposition, enum encode_format format, bool gzip,
                       const struct exposition_filter *filter, struct exposition_page *page,
                       struct error *err)
{
    struct exposition_lease *lease;
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
