/* SPDX-License-Identifier: Apache-2.0 */
/* The board: slots, snapshots and views, with concurrent readers and writers. */
#include "collector/board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/failures.h"
#include "support/page.h"

#define LIMIT_BYTES ((size_t)64 << 10)
#define TURNS       500
#define POSTERS     2

enum {
    SHARED,
    OWN,
};

/* Two tables with a common family; neither is sorted by name. */
static const struct metric_family left_families[] = {
    [SHARED] = {METRIC_GAUGE, "m_shared", "In both.", {"side"}},
    [OWN] = {METRIC_GAUGE, "a_left", "Left."},
    {0},
};
static const struct metric_family right_families[] = {
    [SHARED] = {METRIC_GAUGE, "m_shared", "In both.", {"side"}},
    [OWN] = {METRIC_GAUGE, "z_right", "Right."},
    {0},
};

/* Posts one sample of each family. */
static void post(struct board_slot *slot, const struct metric_family *families, const char *side,
                 double value)
{
    CLEANUP(snapshot_unrefp) struct snapshot *snapshot = snapshot_new(families, LIMIT_BYTES);

    snapshot_add(snapshot, SHARED, value, side);
    snapshot_add(snapshot, OWN, value);
    board_post(slot, snapshot);
}

static void expect(struct board *board, const char *want)
{
    CLEANUP(freep) char *text = page_text(board);

    assert_string_equal(text, want);
}

static void is_empty_before_the_first_post(void **state)
{
    CLEANUP(board_freep) struct board *board = board_new();

    (void)state;
    expect(board, "");
    board_add(board, NULL);
    expect(board, "");
}

static void merges_tables_in_the_order_of_the_names(void **state)
{
    CLEANUP(board_freep) struct board *board = board_new();
    struct board_slot *right = board_add(board, NULL), *left = board_add(board, NULL);

    (void)state;
    post(left, left_families, "left", 1); /* the order of posting does not matter */
    post(right, right_families, "right", 2);
    for (int i = 0; i < 2; i++)
        expect(board, "# HELP a_left Left.\n"
                      "# TYPE a_left gauge\n"
                      "a_left 1\n"
                      "# HELP m_shared In both.\n"
                      "# TYPE m_shared gauge\n"
                      "m_shared{side=\"right\"} 2\n"
                      "m_shared{side=\"left\"} 1\n"
                      "# HELP z_right Right.\n"
                      "# TYPE z_right gauge\n"
                      "z_right 2\n");
}

static void shows_the_latest_only(void **state)
{
    CLEANUP(board_freep) struct board *board = board_new();
    struct board_slot *slot = board_add(board, NULL);
    CLEANUP(snapshot_unrefp) struct snapshot *empty = snapshot_new(left_families, LIMIT_BYTES);

    (void)state;
    for (int i = 1; i <= 3; i++)
        post(slot, left_families, "left", i);
    expect(board, "# HELP a_left Left.\n# TYPE a_left gauge\na_left 3\n"
                  "# HELP m_shared In both.\n# TYPE m_shared gauge\nm_shared{side=\"left\"} 3\n");
    board_post(slot, empty); /* a family without samples has no header */
    expect(board, "");
}

/* The first, the middle or the last slot is removed; the others keep their order. */
static void drops_the_samples_of_a_removed_slot(void **state)
{
    static const char *const names[] = {"0", "1", "2"};

    (void)state;
    for (size_t gone = 0; gone < 3; gone++) {
        CLEANUP(board_freep) struct board *board = board_new();
        struct board_slot *slots[3];
        char want[256];
        size_t n = 0;

        for (size_t i = 0; i < 3; i++)
            slots[i] = board_add(board, NULL);
        for (size_t i = 0; i < 3; i++) {
            CLEANUP(snapshot_unrefp)
            struct snapshot *snapshot = snapshot_new(left_families, LIMIT_BYTES);

            snapshot_add(snapshot, SHARED, 1, names[i]);
            board_post(slots[i], snapshot);
        }
        board_remove(slots[gone]);
        slots[gone] = board_add(board, NULL);
        post(slots[gone], right_families, "new", 5);
        n += (size_t)snprintf(want, sizeof(want),
                              "# HELP m_shared In both.\n# TYPE m_shared gauge\n");
        for (size_t i = 0; i < 3; i++)
            if (i != gone)
                n += (size_t)snprintf(want + n, sizeof(want) - n, "m_shared{side=\"%s\"} 1\n",
                                      names[i]);
        snprintf(want + n, sizeof(want) - n,
                 "m_shared{side=\"new\"} 5\n"
                 "# HELP z_right Right.\n# TYPE z_right gauge\nz_right 5\n");
        expect(board, want);
    }
}

static void iterates_over_the_samples_of_a_family(void **state)
{
    CLEANUP(board_freep) struct board *board = board_new();
    CLEANUP(board_view_freep) struct board_view *view = NULL;
    struct board_slot *left = board_add(board, NULL), *right = board_add(board, NULL);
    CLEANUP(snapshot_unrefp) struct snapshot *two = snapshot_new(left_families, LIMIT_BYTES);
    struct board_cursor at = {0}, none = {0}, own = {0};
    static const char *const want[] = {"1", "2", "right"};
    const struct sample *sample;

    (void)state;
    snapshot_add(two, SHARED, 1, "1");
    snapshot_add(two, SHARED, 2, "2");
    board_add(board, NULL);
    board_post(left, two);
    post(right, right_families, "right", 3);
    view = board_view_new(board);
    for (size_t i = 0; i < 3; i++) {
        sample = board_next(view, "m_shared", &at);
        assert_non_null(sample);
        assert_ptr_equal(at.family, i < 2 ? &left_families[SHARED] : &right_families[SHARED]);
        assert_string_equal(board_label(at.family, sample, "side"), want[i]);
        assert_string_equal(board_label(at.family, sample, "other"), "");
    }
    assert_null(board_next(view, "m_shared", &at));
    assert_null(board_next(view, "m_none", &none));
    assert_non_null(board_next(view, "z_right", &own));
    assert_null(board_next(view, "z_right", &own));
}

static void numbers_slots_and_posts(void **state)
{
    CLEANUP(board_freep) struct board *board = board_new();
    CLEANUP(board_view_freep) struct board_view *view = NULL;
    struct board_slot *first = board_add(board, "one"), *second = board_add(board, NULL);
    const struct board_entry *entries;
    uint64_t slot, posts;
    size_t n;

    (void)state;
    post(second, right_families, "right", 1);
    post(first, left_families, "left", 1);
    view = board_view_new(board);
    entries = board_entries(view, &n);
    assert_int_equal(n, 2);
    assert_string_equal(entries[0].owner, "one");
    assert_null(entries[1].owner);
    assert_true(entries[0].posts > entries[1].posts);
    slot = entries[1].slot;
    posts = entries[0].posts;
    assert_int_not_equal(entries[0].slot, slot);
    board_remove(second);
    post(board_add(board, NULL), right_families, "right", 2);
    assert_true(board_view_refresh(board, view));
    entries = board_entries(view, &n);
    assert_int_equal(n, 2);
    assert_int_equal(entries[0].posts, posts);
    assert_true(entries[1].slot > slot);
    assert_true(entries[1].posts > posts);
    board_view_clear(view);
    board_entries(view, &n);
    assert_int_equal(n, 0);
}

/* Many slots are added after the view was created. */
static void refreshes_a_view_of_any_size(void **state)
{
    CLEANUP(board_freep) struct board *board = board_new();
    CLEANUP(board_view_freep) struct board_view *view = board_view_new(board);
    size_t n;

    (void)state;
    for (size_t i = 1; i <= 20; i++) {
        post(board_add(board, NULL), left_families, "left", 1);
        assert_true(board_view_refresh(board, view));
        board_entries(view, &n);
        assert_int_equal(n, i);
    }
}

static void fails_without_memory(void **state)
{
    CLEANUP(board_freep) struct board *board = NULL;
    CLEANUP(board_view_freep) struct board_view *view = NULL;
    struct board_slot *slot = NULL;
    bool ok = false;
    size_t n;

    (void)state;
    for (size_t i = 0; !board; i++) {
        fail_allocations_after(i);
        board = board_new();
        fail_nothing();
    }
    for (size_t i = 0; !slot; i++) {
        fail_allocations_after(i);
        slot = board_add(board, NULL);
        fail_nothing();
    }
    for (size_t i = 0; !view; i++) {
        fail_allocations_after(i);
        view = board_view_new(board);
        fail_nothing();
    }
    for (size_t i = 0; i < 20; i++)
        post(board_add(board, NULL), left_families, "left", 1);
    for (size_t i = 0; !ok; i++) {
        fail_allocations_after(i);
        ok = board_view_refresh(board, view);
        fail_nothing();
        board_entries(view, &n);
        assert_int_equal(n, ok ? 20 : 0);
    }
}

/* Shared by the threads of the test. */
struct traffic {
    struct board *board;
    struct board_slot *slots[POSTERS];
    atomic_size_t next;
    atomic_bool done;
};

static void *post_often(void *arg)
{
    struct traffic *traffic = arg;
    size_t self = traffic->next++;

    for (int i = 0; i < TURNS; i++)
        post(traffic->slots[self], self ? right_families : left_families, self ? "right" : "left",
             7);
    return NULL;
}

static void *add_and_remove(void *arg)
{
    struct traffic *traffic = arg;

    for (int i = 0; i < TURNS; i++) {
        struct board_slot *slot = board_add(traffic->board, NULL);

        post(slot, right_families, "temporary", 7);
        board_remove(slot);
    }
    return NULL;
}

static void *read_often(void *arg)
{
    struct traffic *traffic = arg;

    while (!traffic->done) {
        if (page_count(traffic->board, "# TYPE m_shared ") != 1 ||
            page_count(traffic->board, "m_shared{side=\"left\"} 7\n") != 1 ||
            page_count(traffic->board, "m_shared{side=\"right\"} 7\n") != 1 ||
            page_count(traffic->board, "m_shared{side=\"temporary\"} 7\n") > 1)
            abort();
    }
    return NULL;
}

static void is_consistent_during_concurrent_posts(void **state)
{
    struct traffic traffic = {.board = board_new()};
    pthread_t writers[POSTERS + 1], readers[2];

    (void)state;
    for (size_t i = 0; i < POSTERS; i++) {
        traffic.slots[i] = board_add(traffic.board, NULL);
        post(traffic.slots[i], i ? right_families : left_families, i ? "right" : "left", 7);
    }
    for (size_t i = 0; i <= POSTERS; i++)
        assert_int_equal(
            pthread_create(&writers[i], NULL, i < POSTERS ? post_often : add_and_remove, &traffic),
            0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_often, &traffic), 0);
    for (size_t i = 0; i <= POSTERS; i++)
        pthread_join(writers[i], NULL);
    traffic.done = true;
    for (size_t i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    board_free(traffic.board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_empty_before_the_first_post),
        cmocka_unit_test(merges_tables_in_the_order_of_the_names),
        cmocka_unit_test(shows_the_latest_only),
        cmocka_unit_test(drops_the_samples_of_a_removed_slot),
        cmocka_unit_test(iterates_over_the_samples_of_a_family),
        cmocka_unit_test(numbers_slots_and_posts),
        cmocka_unit_test(refreshes_a_view_of_any_size),
        cmocka_unit_test(fails_without_memory),
        cmocka_unit_test(is_consistent_during_concurrent_posts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
