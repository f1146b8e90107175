/* SPDX-License-Identifier: Apache-2.0 */
/* The supported subset of YAML: positions of nodes and of problems. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "encoding/yaml.h"

#define LIMIT_BYTES ((size_t)16 << 20)

struct fixture {
    struct arena arena;
    struct problems problems;
    struct buf text;
    struct yaml_node *root;
};

static void fixture_deinit(struct fixture *fixture)
{
    buf_deinit(&fixture->text);
    arena_deinit(&fixture->arena);
}

static void parse(struct fixture *fixture, const char *data, size_t size)
{
    fixture->arena = (struct arena)ARENA_INIT(LIMIT_BYTES);
    fixture->problems = (struct problems)PROBLEMS_INIT(&fixture->arena);
    fixture->text = (struct buf)BUF_INIT(LIMIT_BYTES);
    fixture->root = yaml_parse(&fixture->arena, data, size, &fixture->problems);
    problems_print(&fixture->problems, "f", &fixture->text);
}

static const struct yaml_node *member(const struct yaml_node *node, const char *name)
{
    const struct yaml_node *found = yaml_member(node, name, strlen(name));

    assert_non_null(found);
    return found;
}

static void assert_place(struct place place, size_t line, size_t column)
{
    assert_int_equal(place.line, line);
    assert_int_equal(place.column, column);
}

static void nodes_have_positions(void **state)
{
    static const char text[] = "# comment\n"
                               "a: plain\n"
                               "list:\n"
                               "  - \"quoted\"\n"
                               "  - {x: 1, \"y\": '2'}\n"
                               "\xc3\xa9: \xe2\x82\xac  # counts characters, not bytes\n"
                               "empty:\n";
    CLEANUP(fixture_deinit) struct fixture f;
    const struct yaml_node *list, *map;

    (void)state;
    parse(&f, text, strlen(text));
    assert_int_equal(problems_total(&f.problems), 0);
    assert_int_equal(f.root->kind, YAML_MAPPING);
    assert_int_equal(f.root->count, 4);
    assert_place(f.root->place, 2, 1);
    assert_string_equal(member(f.root, "a")->text, "plain");
    assert_false(member(f.root, "a")->quoted);
    assert_place(member(f.root, "a")->place, 2, 4);
    list = member(f.root, "list");
    assert_place(list->key->place, 3, 1);
    assert_int_equal(list->kind, YAML_SEQUENCE);
    assert_true(list->children->quoted);
    assert_place(list->children->place, 4, 5);
    map = list->children->next;
    assert_place(member(map, "y")->key->place, 5, 12);
    assert_place(member(map, "y")->place, 5, 17);
    assert_place(member(f.root, "\xc3\xa9")->place, 6, 4);
    assert_true(yaml_is_null(member(f.root, "empty")));
    assert_null(yaml_member(f.root, "lis", 3));
    assert_null(yaml_member(f.root, "lists", 5));
    assert_ptr_equal(yaml_member(f.root, "list.x", 4), list);
}

static void walks_in_the_order_of_the_file(void **state)
{
    static const char text[] = "{a: [1, {b: 2}, 3], c: 4}";
    static const char *const want[] = {"-", "-", "1", "-", "2", "3", "4"};
    CLEANUP(fixture_deinit) struct fixture f;
    size_t n = 0;

    (void)state;
    parse(&f, text, strlen(text));
    for (const struct yaml_node *node = f.root; node; node = yaml_next(node, f.root))
        assert_string_equal(node->text ? node->text : "-", want[n++]);
    assert_int_equal(n, 7);
    assert_string_equal(yaml_skip(f.root->children, f.root)->text, "4");
    assert_null(yaml_skip(f.root, f.root));
    assert_null(yaml_next(f.root->children->next, f.root));
    assert_null(yaml_skip(f.root->children->children, f.root->children->children));
}

static void recognizes_null(void **state)
{
    static const bool want[] = {true, true, true, true, false, false, false, false, false};
    CLEANUP(fixture_deinit) struct fixture f;
    size_t n = 0;

    (void)state;
    parse(&f, NULL, 0);
    assert_true(yaml_is_null(f.root)); /* an empty text */
    assert_place(f.root->place, 1, 1);
    fixture_deinit(&f);
    parse(&f, "[~, null, Null, NULL, '', \"null\", nil, [], {}]", 46);
    for (const struct yaml_node *at = f.root->children; at; at = at->next)
        assert_int_equal(yaml_is_null(at), want[n++]);
    assert_int_equal(n, 9);
}

/* Rejected texts, and whether the rest is usable. */
static const struct {
    const char *text, *want;
    bool usable;
} rejected[] = {
    {"a: 1\na: 2\n", "f:2:1: duplicate key \"a\", first at line 1\n", true},
    {"x: {a: 1, b: 2,\n  'a': 3}\n", "f:2:3: duplicate key \"a\", first at line 1\n", true},
    {"a: 1\n---\nb: 2\n", "f:2:1: a second document; only one is supported\n", true},
    {"---\na: 1\n...\n---\n", "f:4:1: a second document; only one is supported\n", true},
    {"a: \"x\\0y\"\n", "f:1:4: a string must not contain \\0\n", true},
    {"\"x\\0y\": 1\nb: 2\n", "f:1:1: a string must not contain \\0\n", true},
    {"[a]: 1\n", "f:1:1: expected a string as key, found a list\n", false},
    {"? {a: 1}\n: 1\n",
     "f:1:3: expected a string as key, found a mapping: a value that starts with \"{\" needs "
     "quotes\n",
     false},
    {"a: {{ .Values.x }}\n",
     "f:1:5: expected a string as key, found a mapping: a value that starts with \"{\" needs "
     "quotes\n",
     false},
};

static void reads_all_documents(void **state)
{
    static const struct {
        const char *text;
        size_t n, lines[3];
    } rows[] = {
        {"", 0, {0}},
        {"# nothing\n", 0, {0}},
        {"a: 1\n", 1, {1}},
        {"---\n---\na: 1\n", 2, {2, 3}},
        {"a: 1\n---\n- b\n---\nc\n", 3, {1, 3, 5}},
        {"---\na: 1\n...\n---\nb: 1\n", 2, {2, 5}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(fixture_deinit) struct fixture f = {.arena = ARENA_INIT(LIMIT_BYTES)};
        size_t n = 0;

        f.problems = (struct problems)PROBLEMS_INIT(&f.arena);
        f.root = yaml_parse_all(&f.arena, rows[i].text, strlen(rows[i].text), &f.problems);
        assert_non_null(f.root);
        assert_int_equal(problems_total(&f.problems), 0);
        assert_int_equal(f.root->count, rows[i].n);
        for (const struct yaml_node *at = f.root->children; at; at = at->next)
            assert_int_equal(at->place.line, rows[i].lines[n++]);
        /* a walk stays within its document */
        if (f.root->children)
            for (const struct yaml_node *at = f.root->children; at;
                 at = yaml_next(at, f.root->children))
                assert_true(rows[i].n < 2 || at->place.line < rows[i].lines[1]);
    }
}

static void limits_the_number_of_documents(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(LIMIT_BYTES);
    CLEANUP(fixture_deinit)
    struct fixture f = {.arena = ARENA_INIT(LIMIT_BYTES), .text = BUF_INIT(LIMIT_BYTES)};

    (void)state;
    for (size_t i = 0; i <= YAML_MEMBERS_MAX; i++)
        buf_append_str(&text, "---\nx\n");
    f.problems = (struct problems)PROBLEMS_INIT(&f.arena);
    assert_null(yaml_parse_all(&f.arena, text.data, text.size, &f.problems));
    problems_print(&f.problems, "f", &f.text);
    assert_string_equal(f.text.data, "f:2002:1: more than 1000 documents\n");
}

static void rejects_at_the_right_position(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rejected) / sizeof(rejected[0]); i++) {
        CLEANUP(fixture_deinit) struct fixture f;

        parse(&f, rejected[i].text, strlen(rejected[i].text));
        assert_string_equal(f.text.data, rejected[i].want);
        assert_int_equal(f.root != NULL, rejected[i].usable);
    }
}

static void keeps_the_first_of_two_equal_keys(void **state)
{
    static const char text[] = "a: 1\na: {b: [2]}\nc: 3\nd: *x\n";
    CLEANUP(fixture_deinit) struct fixture f;

    (void)state;
    parse(&f, text, strlen(text));
    assert_int_equal(f.root->count, 3);
    assert_string_equal(member(f.root, "a")->text, "1");
    assert_string_equal(member(f.root, "c")->text, "3");
    assert_int_equal(member(f.root, "d")->kind, YAML_BROKEN);
}

static void limits_depth_members_and_size(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(LIMIT_BYTES);
    CLEANUP(fixture_deinit) struct fixture deep, wide, big, small;

    (void)state;
    for (size_t i = 0; i <= YAML_DEPTH_MAX; i++)
        buf_append_str(&text, "- ");
    parse(&deep, text.data, text.size);
    assert_null(deep.root);
    assert_string_equal(deep.text.data, "f:1:65: lists and mappings are nested too deeply\n");
    parse(&small, text.data + 2, text.size - 2);
    assert_non_null(small.root);
    fixture_deinit(&small);
    buf_clear(&text);
    for (size_t i = 0; i <= YAML_MEMBERS_MAX; i++)
        buf_append_str(&text, "- x\n");
    parse(&wide, text.data, text.size);
    assert_null(wide.root);
    assert_string_equal(wide.text.data,
                        "f:1001:3: more than 1000 members in one list or mapping\n");
    buf_clear(&text);
    for (size_t i = 0; i < YAML_SIZE_MAX; i++)
        buf_append_char(&text, i % 100 == 99 ? '\n' : '#');
    parse(&small, text.data, text.size);
    assert_non_null(small.root);
    while (text.size <= YAML_SIZE_MAX)
        buf_append_str(&text, "# some comment that goes on for a while, but means nothing\n");
    parse(&big, text.data, text.size);
    assert_null(big.root);
    assert_string_equal(big.text.data, "f:1:1: more than 1048576 bytes\n");
}

static void limits_its_memory(void **state)
{
    struct arena arena = ARENA_INIT(600);
    struct problems problems = PROBLEMS_INIT(&arena);
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1000);

    (void)state;
    assert_null(yaml_parse(&arena, "[a, b, c, d, e, f, g, h, i, j]", 30, &problems));
    problems_print(&problems, "f", &out);
    assert_int_equal(problems_total(&problems), 1);
    assert_string_equal(out.data, "f:1:1: and 1 more problems\n");
    arena_deinit(&arena);
}

static void problems_are_sorted_and_unique(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    struct problems problems = PROBLEMS_INIT(&arena);

    (void)state;
    problems_add(&problems, (struct place){2, 9}, "third");
    problems_add(&problems, (struct place){2, 1}, "second\nline");
    problems_add(&problems, (struct place){1, 10}, "first");
    problems_add(&problems, (struct place){2, 9}, "third");
    problems_add(&problems, (struct place){2, 9}, "fourth");
    problems_print(&problems, "f", &out);
    assert_string_equal(out.data,
                        "f:1:10: first\nf:2:1: second line\nf:2:9: third\nf:2:9: fourth\n");
    for (size_t i = 0; i < PROBLEMS_MAX; i++)
        problems_add(&problems, (struct place){3, i + 1}, "more");
    assert_int_equal(problems_total(&problems), PROBLEMS_MAX + 4);
    buf_clear(&out);
    problems_print(&problems, "f", &out);
    assert_non_null(strstr(out.data, "f:3:96: and 4 more problems\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_have_positions),
        cmocka_unit_test(walks_in_the_order_of_the_file),
        cmocka_unit_test(recognizes_null),
        cmocka_unit_test(reads_all_documents),
        cmocka_unit_test(limits_the_number_of_documents),
        cmocka_unit_test(rejects_at_the_right_position),
        cmocka_unit_test(keeps_the_first_of_two_equal_keys),
        cmocka_unit_test(limits_depth_members_and_size),
        cmocka_unit_test(limits_its_memory),
        cmocka_unit_test(problems_are_sorted_and_unique),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
