/* SPDX-License-Identifier: Apache-2.0 */
/* An arena gives zeroed memory up to its limit, and its first failure sticks. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* For the sanitizer: an allocation that is too large fails, as it does in malloc(). */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void gives_zeroed_aligned_memory(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 20);
    struct error err;

    (void)state;
    for (size_t size = 1; size < 300; size++) {
        unsigned char *bytes = arena_alloc(&arena, size);

        assert_non_null(bytes);
        assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(bytes[i], 0);
        memset(bytes, 0xff, size);
    }
    assert_non_null(arena_alloc(&arena, 100000));
    assert_string_equal(arena_strdup(&arena, "hello"), "hello");
    assert_string_equal(arena_strndup(&arena, "hello", 2), "he");
    assert_int_equal((uintptr_t)arena_alloc(&arena, 8) % _Alignof(max_align_t), 0);
    assert_true(arena_ok(&arena, &err));
}

static void keeps_to_its_limit(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1000);
    struct error err = {0};

    (void)state;
    assert_non_null(arena_alloc(&arena, 500));
    assert_null(arena_alloc(&arena, 501));
    assert_null(arena_alloc(&arena, 1));
    assert_null(arena_strdup(&arena, "x"));
    assert_false(arena_ok(&arena, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_string_equal(err.message, "more than 1000 bytes");
    arena_deinit(&arena);
    assert_true(arena_ok(&arena, &err));
    assert_int_equal(arena.used_bytes, 0);
    assert_non_null(arena_alloc(&arena, 1000));
    assert_int_equal(arena.used_bytes, 1000);
    assert_null(arena_alloc(&arena, 1));
}

static void counts_padding_as_used(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(48);
    char *first, *second;

    (void)state;
    first = arena_strdup(&arena, "0123");
    assert_int_equal(arena.used_bytes, 5);
    second = arena_alloc(&arena, 16);
    assert_ptr_equal(second, first + 16);
    assert_int_equal(arena.used_bytes, 32);
    assert_ptr_equal(arena_strdup(&arena, "x"), second + 16); /* a string needs no alignment */
    assert_int_equal(arena.used_bytes, 34);
    assert_null(arena_alloc(&arena, 3)); /* 14 of padding and 3 */
}

static void fills_a_block_to_its_end(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(10000);
    char *first, *second, *third;

    (void)state;
    first = arena_alloc(&arena, 240);
    second = arena_alloc(&arena, 272); /* 512 together */
    third = arena_alloc(&arena, 1);
    assert_ptr_equal(second, first + 240);
    assert_ptr_not_equal(third, first + 512);
    assert_int_equal(arena.used_bytes, 513);
    memset(arena_alloc(&arena, 600), 'x', 600); /* a block of its own */
    assert_int_equal(arena.used_bytes, 1113);
}

/* The number of blocks for so many pieces of 16 bytes: pieces of one block are side by side. */
static unsigned count_blocks(size_t n_pieces)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 20);
    const char *last = NULL;
    unsigned n = 0;

    for (size_t i = 0; i < n_pieces; i++) {
        const char *piece = arena_alloc(&arena, 16);

        n += !last || piece != last + 16;
        last = piece;
    }
    return n;
}

static void blocks_grow_with_use(void **state)
{
    (void)state;
    assert_int_equal(count_blocks(512 / 16), 1);
    assert_int_equal(count_blocks(2048 / 16), 4);
    assert_int_equal(count_blocks(2048 / 16 + 1), 5);
    assert_in_range(count_blocks(65536 / 16), 17, 22);
    assert_int_equal(count_blocks(262144 / 16) - count_blocks((262144 - 65536) / 16), 8);
}

static void refuses_sizes_that_overflow(void **state)
{
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 15};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(SIZE_MAX / 4);
        CLEANUP(arena_deinit) struct arena strings = ARENA_INIT(SIZE_MAX / 4);
        struct error err = {0};

        arena_strdup(&arena, "x"); /* so that there is padding */
        assert_null(arena_alloc(&arena, sizes[i]));
        assert_false(arena_ok(&arena, &err));
        assert_int_equal(err.code, ERROR_LIMIT);
        assert_null(arena_strndup(&strings, "x", sizes[i]));
        assert_false(arena_ok(&strings, &err));
        assert_int_equal(err.code, ERROR_LIMIT);
    }
}

static void reports_a_lack_of_memory(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(SIZE_MAX);
    struct error err = {0};

    (void)state;
    assert_non_null(arena_alloc(&arena, 16));
    assert_null(arena_alloc(&arena, SIZE_MAX / 4));
    assert_null(arena_alloc(&arena, 16));
    assert_false(arena_ok(&arena, &err));
    assert_int_equal(err.code, ERROR_MEMORY);
    assert_string_equal(err.message, "out of memory after 16 bytes");
}

static void stays_secret_after_deinit(void **state)
{
    struct arena arena = SECRET_ARENA_INIT(100);

    (void)state;
    assert_string_equal(arena_strdup(&arena, "token"), "token");
    arena_deinit(&arena);
    assert_true(arena.secret);
    assert_int_equal(arena.limit_bytes, 100);
    assert_null(arena.blocks_);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zeroed_aligned_memory),
        cmocka_unit_test(keeps_to_its_limit),
        cmocka_unit_test(counts_padding_as_used),
        cmocka_unit_test(fills_a_block_to_its_end),
        cmocka_unit_test(blocks_grow_with_use),
        cmocka_unit_test(refuses_sizes_that_overflow),
        cmocka_unit_test(reports_a_lack_of_memory),
        cmocka_unit_test(stays_secret_after_deinit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
