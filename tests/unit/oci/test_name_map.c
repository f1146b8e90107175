/* SPDX-License-Identifier: Apache-2.0 */
/* A map of names grows, finds and is cleared. */
#include "oci/name_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define MANY 20000

static void name_of(char name[80], unsigned i)
{
    snprintf(name, 80, "sha256:%064x", i);
}

static void finds_only_added_names(void **state)
{
    CLEANUP(name_map_deinit) struct name_map set = NAME_MAP_INIT;
    struct error err;
    char name[80];
    uint64_t value;

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        name_of(name, i);
        assert_true(name_map_add(&set, name, i, &err));
    }
    assert_int_equal(set.count, MANY);
    for (unsigned i = 0; i < 2 * MANY; i++) {
        name_of(name, i);
        assert_int_equal(name_map_find(&set, name, &value), i < MANY);
        if (i < MANY)
            assert_int_equal(value, i);
    }
}

static void starts_empty(void **state)
{
    CLEANUP(name_map_deinit) struct name_map set = NAME_MAP_INIT;
    (void)state;
    assert_false(name_map_find(&set, "a", NULL));
    name_map_clear(&set);
    assert_false(name_map_find(&set, "", NULL));
}

static void keeps_the_last_number_of_a_name(void **state)
{
    CLEANUP(name_map_deinit) struct name_map set = NAME_MAP_INIT;
    struct error err;
    uint64_t value = 0;
    (void)state;
    assert_true(name_map_add(&set, "a", 1, &err));
    assert_true(name_map_add(&set, "", 3, &err));
    assert_true(name_map_add(&set, "a", UINT64_MAX, &err));
    assert_int_equal(set.count, 2);
    assert_true(name_map_find(&set, "a", &value));
    assert_true(value == UINT64_MAX);
    assert_true(name_map_find(&set, "", NULL));
    assert_false(name_map_find(&set, "ab", NULL));
}

static void is_empty_after_clear(void **state)
{
    CLEANUP(name_map_deinit) struct name_map set = NAME_MAP_INIT;
    struct error err;
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        char name[80];
        for (unsigned i = 0; i < 1000; i++) {
            name_of(name, round * 1000 + i);
            assert_true(name_map_add(&set, name, i, &err));
        }
        assert_int_equal(set.count, 1000);
        name_map_clear(&set);
        assert_int_equal(set.count, 0);
        assert_int_equal(set.text_.size, 0);
        assert_int_equal(set.n_slots_, 2048); /* twice the names, kept */
        assert_false(name_map_find(&set, name, NULL));
    }
}

static void limits_the_number_of_names(void **state)
{
    CLEANUP(name_map_deinit) struct name_map set = NAME_MAP_INIT;
    struct error err = {0};
    char name[24];
    (void)state;
    for (size_t i = 0; i < NAME_MAP_NAMES_MAX; i++) {
        snprintf(name, sizeof(name), "%zu", i);
        assert_true(name_map_add(&set, name, i, &err));
    }
    assert_true(name_map_add(&set, "0", 0, &err));
    assert_false(name_map_add(&set, "one more", 0, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_only_added_names),          cmocka_unit_test(starts_empty),
        cmocka_unit_test(keeps_the_last_number_of_a_name), cmocka_unit_test(is_empty_after_clear),
        cmocka_unit_test(limits_the_number_of_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
