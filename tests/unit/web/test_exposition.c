/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cached page equals a page that is formatted from scratch, whatever is posted, added and
 * removed; rendering it again allocates nothing.
 */
#include "web/exposition/exposition.h"

#include "base/clock.h"
#include "web/exposition/format_cache.h"

#include <libdeflate.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LIMIT_BYTES ((size_t)32 << 20)
#define SLOTS       60
#define TURNS       400

/* The clock of the exposition; tests advance it. */
static _Atomic int64_t ahead_ns;

int64_t clock_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec + ahead_ns;
}

/* Sanitizers have allocators of their own. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTS_ALLOCATIONS 1
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);
static _Atomic size_t allocations;

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    allocations++;
    return __libc_calloc(n, size);
}

void *realloc(void *ptr, size_t size)
{
    allocations++;
    return __libc_realloc(ptr, size);
}
#else
#define COUNTS_ALLOCATIONS 0
static size_t allocations;
#endif

enum {
    VALUE,
    TOOK,
    RARE,
};

static const struct metric_family pull_families[] = {
    [VALUE] = {METRIC_COUNTER, "canary_runs_total", "Runs.", {"probe"}},
    [TOOK] = {METRIC_HISTOGRAM, "canary_seconds", "How long.", {"probe"}},
    [RARE] = {METRIC_GAUGE, "canary_rare", "Not always there.", {"probe"}},
    {0},
};
static const struct metric_family push_families[] = {
    [VALUE] = {METRIC_COUNTER, "canary_runs_total", "Runs.", {"probe"}},
    [TOOK] = {METRIC_HISTOGRAM, "canary_seconds", "How long.", {"probe"}},
    [RARE] = {METRIC_GAUGE, "aaa_of_pushes", "Before all others.", {"probe"}},
    {0},
};
static const struct metric_family own_families[] = {
    {METRIC_GAUGE, "process_things", "Of the exporter itself."},
    {METRIC_GAUGE, "zzz_last", "The end."},
    {0},
};
static const double bounds[] = {0.1, 1, 10};

struct bench {
    struct board *board;
    struct exposition *exposition;
    struct board_slot *slots[SLOTS];
};

static void post(struct board_slot *slot, const struct metric_family *families, const char *name,
                 double value, int rare)
{
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(families, LIMIT_BYTES);
    struct histogram took = HISTOGRAM_INIT(bounds);

    histogram_observe(&took, value);
    snapshot_add(snapshot, VALUE, value, name);
    snapshot_add_histogram(snapshot, TOOK, &took, name);
    for (int i = 0; i < rare; i++)
        snapshot_add(snapshot, RARE, i, name);
    board_post(slot, snapshot);
}

static void post_own(struct board_slot *slot, double value)
{
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(own_families, LIMIT_BYTES);

    snapshot_add(snapshot, 0, value);
    snapshot_add(snapshot, 1, value);
    board_post(slot, snapshot);
}

static void add_slot(struct bench *bench, size_t i)
{
    bench->slots[i] = board_add(bench->board, i % 3 ? "pull" : "push");
}

static void post_slot(struct bench *bench, size_t i, double value, int rare)
{
    char name[32];

    snprintf(name, sizeof(name), "probe-%zu", i);
    post(bench->slots[i], i % 3 ? pull_families : push_families, name, value, rare);
}

static int set_up_with(void **state, bool internals)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    struct error err;

    bench->board = board_new();
    bench->exposition = exposition_new(
        &(struct exposition_options){.board = bench->board, .exporter_metrics = internals}, &err);
    assert_non_null(bench->exposition);
    ahead_ns = 0;
    *state = bench;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, true);
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    exposition_free(bench->exposition);
    board_free(bench->board);
    free(bench);
    return 0;
}

static void append(struct buf *out, const struct exposition_page *page)
{
    size_t size = 0;

    for (size_t i = 0; i < page->n_parts; i++) {
        buf_append(out, page->parts[i].iov_base, page->parts[i].iov_len);
        size += page->parts[i].iov_len;
    }
    assert_int_equal(size, page->size);
    buf_append_str(out, "");
}

/* The uncompressed bytes that a client reads. */
static void unpack(struct buf *out)
{
    struct libdeflate_decompressor *reader = libdeflate_alloc_decompressor();
    size_t capacity = out->size * 200 + 1000, size = 0;
    char *back = malloc(capacity);

    assert_int_equal(
        libdeflate_gzip_decompress(reader, out->data, out->size, back, capacity, &size),
        LIBDEFLATE_SUCCESS);
    buf_clear(out);
    buf_append(out, back, size);
    free(back);
    libdeflate_free_decompressor(reader);
}

/* The caller frees the result. */
static char *get(struct bench *bench, enum encode_format format, bool gzip,
                 const struct exposition_filter *filter, size_t *size)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    struct exposition_page page;
    struct error err;

    if (!exposition_render(bench->exposition, format, gzip, filter, &page, &err))
        fail_msg("%s", err.message);
    append(&out, &page);
    exposition_release(page.blocks);
    if (page.gzip)
        unpack(&out);
    *size = out.size;
    return buf_take(&out);
}

struct part {
    const struct metric_family *family;
    const struct sample *samples;
    size_t order; /* of the slot */
};

/* Returns how many there are; `parts` may be NULL, to count them. */
static size_t list_parts(const struct board_view *view, struct part *parts)
{
    size_t n = 0, n_entries;
    const struct board_entry *entries = board_entries(view, &n_entries);

    for (size_t i = 0; i < n_entries; i++) {
        const struct metric_family *families = snapshot_families(entries[i].snapshot);

        for (size_t f = 0; families[f].name; f++) {
            const struct sample *samples = snapshot_samples(entries[i].snapshot, f);

            if (samples && parts)
                parts[n] = (struct part){&families[f], samples, i};
            n += samples ? 1 : 0;
        }
    }
    return n;
}

static int by_name_then_slot(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    int order = strcmp(x->family->name, y->family->name);

    return order ? order : (x->order > y->order) - (x->order < y->order);
}

static bool same_family(const struct part *a, const struct part *b)
{
    return strcmp(a->family->name, b->family->name) == 0;
}

/* Formats the page without a cache. */
static void encode_board(struct board *board, struct encoder *encoder)
{
    CLEANUP(board_view_freep) struct board_view *view = board_view_new(board);
    size_t n = view ? list_parts(view, NULL) : 0;
    CLEANUP(freep) struct part *parts = calloc(n + 1, sizeof(*parts));

    assert_non_null(view);
    assert_non_null(parts);
    list_parts(view, parts);
    qsort(parts, n, sizeof(*parts), by_name_then_slot);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !same_family(&parts[i], &parts[i - 1]))
            encode_family(encoder, parts[i].family);
        encode_samples(encoder, parts[i].family, parts[i].samples);
        if (i + 1 == n || !same_family(&parts[i], &parts[i + 1]))
            encode_family_end(encoder, parts[i].family);
    }
    encode_end(encoder);
}

static void expect_same(struct bench *bench, bool gzip)
{
    for (int format = 0; format < ENCODE_FORMATS; format++) {
        CLEANUP(buf_deinit) struct buf want = BUF_INIT(LIMIT_BYTES);
        size_t size;
        CLEANUP(freep) char *got = get(bench, (enum encode_format)format, gzip, NULL, &size);
        struct encoder encoder = {.out = &want, .format = (enum encode_format)format};

        encode_board(bench->board, &encoder);
        assert_int_equal(size, want.size);
        assert_memory_equal(got, want.data ? want.data : "", size);
    }
}

static void expect_text(struct bench *bench, const struct exposition_filter *filter,
                        const char *want)
{
    size_t size;
    CLEANUP(freep) char *got = get(bench, ENCODE_TEXT, false, filter, &size);
    CLEANUP(freep) char *packed = get(bench, ENCODE_TEXT, true, filter, &size);

    assert_string_equal(got, want);
    assert_string_equal(packed, want);
}

static void is_empty_without_posts(void **state)
{
    struct bench *bench = *state;

    expect_text(bench, NULL, "");
    board_add(bench->board, NULL);
    expect_text(bench, NULL, "");
}

static void equals_a_page_rendered_from_scratch(void **state)
{
    struct bench *bench = *state;

    srandom(3);
    for (int turn = 0; turn < TURNS; turn++) {
        for (long changes = random() % 4; changes > 0; changes--) {
            size_t i = (size_t)random() % SLOTS;

            if (!bench->slots[i])
                add_slot(bench, i);
            else if (random() % 8 == 0)
                board_remove(TAKE(bench->slots[i]));
            else
                post_slot(bench, i, (double)(random() % 1000) / 8,
                          random() % 20 ? (int)(random() % 3) : 400);
        }
        expect_same(bench, turn % 3 == 0);
        if (turn % 5 == 0)
            expect_same(bench, turn % 2 == 0); /* nothing changed */
    }
}

/* From empty to large: one chunk becomes many. */
static void follows_growing_families(void **state)
{
    struct bench *bench = *state;

    for (size_t i = 0; i < SLOTS; i++) {
        add_slot(bench, i);
        post_slot(bench, i, 0, 0);
    }
    for (int rare = 0; rare < 300; rare += 37) {
        for (size_t i = 0; i < SLOTS; i++)
            post_slot(bench, i, rare, rare);
        expect_same(bench, false);
        expect_same(bench, true);
    }
}

/* A page beyond the limit is not kept as text, but rendered and sent. */
static void renders_a_page_too_large_to_keep(void **state)
{
    struct bench *bench = *state;

    for (size_t i = 0; i < SLOTS; i++) {
        add_slot(bench, i);
        post_slot(bench, i, 1, 4000);
    }
    assert_false(exposition_is_large(bench->exposition, ENCODE_TEXT));
    expect_same(bench, false);
    assert_true(exposition_is_large(bench->exposition, ENCODE_TEXT));
    expect_same(bench, true);
    post_slot(bench, 30, 2, 4001);
    expect_same(bench, true);
    expect_same(bench, false);
}

static void keeps_a_page_while_it_is_sent(void **state)
{
    struct bench *bench = *state;
    struct exposition_page pages[20];
    struct buf before[20];
    struct error err;

    for (size_t i = 0; i < SLOTS; i++)
        add_slot(bench, i);
    for (size_t i = 0; i < 20; i++) {
        for (size_t slot = 0; slot < SLOTS; slot += 1 + i % 3)
            post_slot(bench, slot, (double)i, 5);
        assert_true(
            exposition_render(bench->exposition, ENCODE_TEXT, i % 2, NULL, &pages[i], &err));
        before[i] = (struct buf)BUF_INIT(LIMIT_BYTES);
        append(&before[i], &pages[i]);
    }
    for (size_t i = 0; i < 20; i++) {
        CLEANUP(buf_deinit) struct buf after = BUF_INIT(LIMIT_BYTES);

        append(&after, &pages[i]);
        assert_int_equal(after.size, before[i].size);
        assert_memory_equal(after.data, before[i].data, after.size);
        buf_deinit(&before[i]);
        exposition_release(pages[i].blocks);
    }
}

/* Scrapes until all buffers have their final size. */
static void scrape(struct bench *bench, bool gzip)
{
    struct exposition_page page;
    struct error err;

    assert_true(exposition_render(bench->exposition, ENCODE_TEXT, gzip, NULL, &page, &err));
    exposition_release(page.blocks);
}

static void allocates_only_the_parts_in_steady_state(void **state)
{
    struct bench *bench = *state;
    struct board_slot *own;

    if (!COUNTS_ALLOCATIONS)
        skip();
    own = board_add(bench->board, NULL);
    for (size_t i = 0; i < SLOTS; i++)
        add_slot(bench, i);
    for (int turn = 0; turn < 60; turn++) {
        size_t before;

        post_own(own, 1000 + turn);
        for (size_t i = 0; i < SLOTS && turn % 2; i++)
            post_slot(bench, i, 1000 + turn, 30);
        before = allocations;
        scrape(bench, false);
        scrape(bench, true);
        if (turn >= 20)
            assert_int_equal(allocations, before + 2); /* of two scrapes */
    }
}

static void frees_unused_formats(void **state)
{
    struct bench *bench = *state;
    const char *const none[] = {"none"};
    const struct exposition_filter nothing = {.names = none, .n_names = 1};
    size_t with, size;

    if (!COUNTS_ALLOCATIONS)
        skip();
    for (size_t i = 0; i < SLOTS; i++) {
        add_slot(bench, i);
        post_slot(bench, i, 1, 1000);
    }
    scrape(bench, false);
    with = mallinfo2().uordblks;
    ahead_ns = 601 * NS_PER_SECOND;
    free(
        get(bench, ENCODE_TEXT, false, &nothing, &size)); /* counts as use: it is the same format */
    assert_true(mallinfo2().uordblks > with - ((size_t)1 << 20));
    ahead_ns *= 2;
    {
        struct exposition_page page;
        struct error err;

        /* Another format. */
        assert_true(
            exposition_render(bench->exposition, ENCODE_OPENMETRICS, false, &nothing, &page, &err));
        exposition_release(page.blocks);
    }
    assert_true(mallinfo2().uordblks < with - ((size_t)1 << 20));
    expect_same(bench, false);
}

#define HEAD(name, help, type) "# HELP " name " " help "\n# TYPE " name " " type "\n"

static void filters_leave_the_cache_unchanged(void **state)
{
    struct bench *bench = *state;
    const char *const runs[] = {"canary_runs_total", "zzz_last", "canary_seconds_bucket"};
    const char *const pull[] = {"pull"}, *const push[] = {"push"};
    struct board_slot *own = board_add(bench->board, NULL);

    post_own(own, 5);
    for (size_t i = 0; i < 2; i++) {
        add_slot(bench, i);
        post_slot(bench, i, 3, 0);
    }
    expect_same(bench, false);
    expect_text(bench, &(struct exposition_filter){.names = runs, .n_names = 3},
                HEAD("canary_runs_total", "Runs.",
                     "counter") "canary_runs_total{probe=\"probe-0\"} "
                                "3\ncanary_runs_total{probe=\"probe-1\"} 3\n" HEAD(
                                    "zzz_last", "The end.", "gauge") "zzz_last 5\n");
    expect_text(
        bench,
        &(struct exposition_filter){.names = runs, .n_names = 3, .collect = pull, .n_collect = 1},
        HEAD("canary_runs_total", "Runs.",
             "counter") "canary_runs_total{probe=\"probe-1\"} 3\n" HEAD("zzz_last", "The end.",
                                                                        "gauge") "zzz_last 5\n");
    expect_text(
        bench,
        &(struct exposition_filter){.names = runs, .n_names = 1, .exclude = pull, .n_exclude = 1},
        HEAD("canary_runs_total", "Runs.", "counter") "canary_runs_total{probe=\"probe-0\"} 3\n");
    expect_text(bench,
                &(struct exposition_filter){.names = runs,
                                            .n_names = 1,
                                            .collect = push,
                                            .n_collect = 1,
                                            .exclude = push,
                                            .n_exclude = 1},
                "");
    expect_same(bench, false);
    expect_same(bench, true);
}

static int set_up_without_exporter_metrics(void **state)
{
    return set_up_with(state, false);
}

static void omits_exporter_metrics_on_request(void **state)
{
    struct bench *bench = *state;

    post_own(board_add(bench->board, NULL), 5);
    expect_text(bench, NULL, HEAD("zzz_last", "The end.", "gauge") "zzz_last 5\n");
}

/* Scrapes during posts: each page is consistent, and counters never decrease. */
struct concurrent {
    struct bench *bench;
    atomic_bool stop;
    atomic_uint bad;
};

static void *poster(void *arg)
{
    struct concurrent *concurrent = arg;

    for (int turn = 1; !concurrent->stop; turn++)
        for (size_t i = 0; i < SLOTS; i++)
            post_slot(concurrent->bench, i, turn, turn % 3);
    return NULL;
}

static void *scraper(void *arg)
{
    struct concurrent *concurrent = arg;
    double last = 0;

    for (int turn = 0; turn < 100; turn++) {
        size_t size;
        CLEANUP(freep) char *text = get(concurrent->bench, ENCODE_TEXT, turn % 4 == 0, NULL, &size);
        const char *line = strstr(text, "canary_runs_total{probe=\"probe-59\"} ");
        double value = line ? strtod(strchr(line, ' '), NULL) : 0;

        concurrent->bad += value < last;
        last = value;
    }
    return NULL;
}

static void serves_concurrent_scrapes(void **state)
{
    struct concurrent concurrent = {.bench = *state};
    pthread_t post_thread, threads[4];

    for (size_t i = 0; i < SLOTS; i++)
        add_slot(concurrent.bench, i);
    pthread_create(&post_thread, NULL, poster, &concurrent);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, scraper, &concurrent);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    concurrent.stop = true;
    pthread_join(post_thread, NULL);
    assert_int_equal(concurrent.bad, 0);
    expect_same(concurrent.bench, false);
}

#define SMALL_LIMIT_BYTES ((size_t)2000)

static bool renders(struct format_cache *format_cache, struct render_context *render_context,
                    struct board *board)
{
    CLEANUP(board_view_freep) struct board_view *view = board_view_new(board);
    struct error err;
    bool ok;

    render_context->entries = board_entries(view, &render_context->n_entries);
    assert_true(family_index_follow(&render_context->index, render_context->entries,
                                    render_context->n_entries, true));
    ok = format_cache_update(format_cache, render_context, &err);
    assert_true(ok || err.code == ERROR_LIMIT);
    return ok;
}

/* Part of a family would be a wrong or invalid page. */
static void fails_if_a_part_exceeds_its_limit(void **state)
{
    CLEANUP(board_freep) struct board *board = board_new();
    struct render_context render_context = {.pool = block_pool_new(),
                                            .text = BUF_INIT(SMALL_LIMIT_BYTES)};
    struct format_cache format_cache = {.format = ENCODE_TEXT};
    struct board_slot *slot = board_add(board, NULL);

    (void)state;
    post(slot, pull_families, "a", 1, 1);
    assert_true(renders(&format_cache, &render_context, board));
    post(slot, pull_families, "a", 1, 200);
    assert_false(renders(&format_cache, &render_context, board)); /* a chunk grew */
    assert_false(renders(&format_cache, &render_context, board)); /* a rebuild */
    post(slot, pull_families, "a", 1, 1);
    assert_true(renders(&format_cache, &render_context, board));
    format_cache_clear(&format_cache, &render_context);
    family_index_deinit(&render_context.index);
    buf_deinit(&render_context.text);
    block_pool_free(render_context.pool);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(is_empty_without_posts),
        TEST(equals_a_page_rendered_from_scratch),
        TEST(follows_growing_families),
        TEST(renders_a_page_too_large_to_keep),
        TEST(keeps_a_page_while_it_is_sent),
        TEST(allocates_only_the_parts_in_steady_state),
        TEST(frees_unused_formats),
        TEST(filters_leave_the_cache_unchanged),
        cmocka_unit_test_setup_teardown(omits_exporter_metrics_on_request,
                                        set_up_without_exporter_metrics, tear_down),
        TEST(serves_concurrent_scrapes),
        cmocka_unit_test(fails_if_a_part_exceeds_its_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
