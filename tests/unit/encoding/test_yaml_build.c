/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes built in memory have the positions of the nodes they replace. */
#include "encoding/yaml_build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct place first = {3, 7}, second = {4, 1};

static void builds_a_tree(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(10000);
    struct yaml_node *root = yaml_build_root(&arena, YAML_MAPPING, first), *list, *text;
    const struct yaml_node *copy;

    (void)state;
    assert_int_equal(root->kind, YAML_MAPPING);
    assert_int_equal(root->place.column, 7);
    list = yaml_build(&arena, root, "list", YAML_SEQUENCE, second);
    assert_ptr_equal(yaml_member(root, "list", 4), list);
    assert_int_equal(list->kind, YAML_SEQUENCE);
    assert_int_equal(list->place.line, 4);
    assert_int_equal(list->key->place.line, 4);
    text = yaml_build_text(&arena, list, NULL, "null", first);
    assert_null(text->key);
    assert_string_equal(text->text, "null");
    assert_false(yaml_is_null(text)); /* a string */
    assert_int_equal(text->place.line, 3);
    assert_ptr_equal(list->children, text);
    text = yaml_build_text(&arena, root, "word", "x", second);
    assert_int_equal(text->key->place.line, 4);
    copy = yaml_build_copy(&arena, root, "copy", text);
    assert_string_equal(copy->text, "x");
    assert_true(copy->quoted);
    assert_string_equal(copy->key->text, "copy");
    assert_int_equal(root->count, 3);
}

static void a_copy_keeps_both_positions(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(10000);
    struct yaml_node *root = yaml_build_root(&arena, YAML_MAPPING, first);
    struct yaml_node key = {.place = first}, value = {.place = second, .key = &key, .text = "1"};
    const struct yaml_node *copy = yaml_build_copy(&arena, root, "a", &value);

    (void)state;
    assert_int_equal(copy->key->place.line, 3);
    assert_int_equal(copy->place.line, 4);
    assert_false(copy->quoted);
    value.key = NULL;
    copy = yaml_build_copy(&arena, root, "b", &value);
    assert_int_equal(copy->key->place.line, 4);
}

static void returns_null_without_parent_text_or_memory(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 20);
    struct yaml_node *root = yaml_build_root(&arena, YAML_SEQUENCE, first);
    size_t room;

    (void)state;
    assert_null(yaml_build_text(&arena, NULL, "a", "b", first));
    assert_null(yaml_build_text(&arena, root, NULL, NULL, first));
    for (size_t i = 0; i < YAML_MEMBERS_MAX; i++)
        assert_non_null(yaml_build(&arena, root, NULL, YAML_SCALAR, first));
    assert_null(yaml_build(&arena, root, NULL, YAML_SCALAR, first));
    for (room = 0; room < 1000;
         room++) { /* with less memory, each of the three allocations fails */
        CLEANUP(arena_deinit) struct arena small = ARENA_INIT(room);
        struct yaml_node parent = {.kind = YAML_MAPPING};

        if (yaml_build(&small, &parent, "key", YAML_SCALAR, first))
            break;
        assert_int_equal(parent.count, 0);
    }
    assert_in_range(room, 2 * sizeof(struct yaml_node) + 4, 2 * sizeof(struct yaml_node) + 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_a_tree),
        cmocka_unit_test(a_copy_keeps_both_positions),
        cmocka_unit_test(returns_null_without_parent_text_or_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
