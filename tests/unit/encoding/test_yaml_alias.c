/* SPDX-License-Identifier: Apache-2.0 */
/* Anchors, aliases, merge keys and tags. The expected values are those of Go's yaml.v3, where a
 * comment does not say otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "encoding/yaml.h"
#include "encoding/yaml_alias.h"

#define LIMIT_BYTES ((size_t)16 << 20)
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void show_all(const struct yaml_node *root, struct buf *out);

static void show(const struct yaml_node *node, struct buf *out)
{
    if (node->key)
        buf_printf(out, "%s:", node->key->text);
    if (node->kind == YAML_SCALAR && yaml_is_null(node))
        buf_append_str(out, "null");
    else if (node->kind == YAML_SCALAR)
        buf_printf(out, node->quoted ? "'%s'" : "%s", node->text);
    else if (node->kind == YAML_BROKEN)
        buf_append_str(out, "BROKEN");
    else
        show_all(node, out);
}

/* Flow style without spaces; a string is quoted if it can be nothing else. */
static void show_all(const struct yaml_node *root, struct buf *out)
{
    buf_append_str(out, root->kind == YAML_MAPPING ? "{" : "[");
    for (const struct yaml_node *at = root->children; at; at = at->next) {
        show(at, out);
        buf_append_str(out, at->next ? "," : "");
    }
    buf_append_str(out, root->kind == YAML_MAPPING ? "}" : "]");
}

/* Appends the tree, then the problems. */
static void read_text(const char *text, size_t size, struct buf *out)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    struct problems problems = PROBLEMS_INIT(&arena);
    const struct yaml_node *root = yaml_parse(&arena, text, size, &problems);

    if (root)
        show(root, out);
    problems_print(&problems, "\nf", out);
    assert_true(arena.used_bytes < LIMIT_BYTES);
}

static const struct {
    const char *text, *want;
} rows[] = {
    /* aliases */
    {"a: &x 1\nb: *x", "{a:1,b:1}"},
    {"a: &x 'y'\nb: [*x, *x]", "{a:'y',b:['y','y']}"},
    {"a: &x {b: [c, {d: e}], f: g}\nh: *x", "{a:{b:[c,{d:e}],f:g},h:{b:[c,{d:e}],f:g}}"},
    {"a: &x [1, [2, []], 3]\nb: [*x, 4]", "{a:[1,[2,[]],3],b:[[1,[2,[]],3],4]}"},
    {"a: &x\nb: *x", "{a:null,b:null}"},
    {"a: &x b\nc: {*x : d}", "{a:b,c:{b:d}}"},
    {"&x a: *x", "{a:a}"},
    {"a: &x 1\nb: &x 2\nc: *x", "{a:1,b:2,c:2}"},
    {"a: &x {b: &y c}\nd: *y\ne: *x", "{a:{b:c},d:c,e:{b:c}}"},
    {"a: &x {b: 1}\nc: &y {d: *x}\ne: *y", "{a:{b:1},c:{d:{b:1}},e:{d:{b:1}}}"},
    {"a: *x", "{a:BROKEN}\nf:1:4: unknown anchor \"x\": expected &x before this alias\n"},
    {"a: *x\nb: &x 1",
     "{a:BROKEN,b:1}\nf:1:4: unknown anchor \"x\": expected &x before this alias\n"},
    {"*x : 1\na: 2", "{a:2}\nf:1:1: unknown anchor \"x\": expected &x before this alias\n"},
    {"a: &x [*x]", "{a:[BROKEN]}\nf:1:8: the value of the anchor \"x\" contains itself\n"},
    {"a: &x {b: {c: *x}}",
     "{a:{b:{c:BROKEN}}}\nf:1:15: the value of the anchor \"x\" contains itself\n"},
    {"a: &x {<<: *x}", "{a:{}}\nf:1:12: the value of the anchor \"x\" contains itself\n"},
    {"a: &x [1]\n*x : 1",
     "\nf:1:4: expected a string as key, found a list (used by the alias at line 2)\n"},
    {"a: &x \"\\0\"\nb: *x", "{a:BROKEN,b:BROKEN}\nf:1:4: a string must not contain \\0\n"},
    /* merge keys */
    {"a: &x {b: 1, c: 2}\nd: {<<: *x, b: 3}", "{a:{b:1,c:2},d:{b:3,c:2}}"},
    {"a: &x {b: 1, c: 2}\nd: {b: 3, <<: *x}", "{a:{b:1,c:2},d:{b:3,c:2}}"},
    {"a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne: {<<: [*x, *y, {d: 4, f: 5}]}",
     "{a:{b:1},c:{b:2,d:3},e:{b:1,d:3,f:5}}"},
    {"a: {<<: &x {b: {c: d}}, e: f}\ng: *x", "{a:{e:f,b:{c:d}},g:{b:{c:d}}}"},
    {"a: &x {b: 1}\nc: &y {<<: *x, d: 2}\ne: {<<: *y}\nf: *y",
     "{a:{b:1},c:{d:2,b:1},e:{d:2,b:1},f:{d:2,b:1}}"},
    {"a: &x {b: {c: 1, d: 2}}\ne: {<<: *x, b: {c: 3}}", "{a:{b:{c:1,d:2}},e:{b:{c:3}}}"},
    {"a: {!!merge <<: {b: c}}", "{a:{b:c}}"},
    {"a: {\"<<\": {b: c}}", "{a:{<<:{b:c}}}"},
    {"a: {!!str <<: {b: c}}", "{a:{<<:{b:c}}}"},
    {"a: {<<: []}", "{a:{}}"},
    {"a: &x b\nc: {<<: *x}", "{a:b,c:{}}\nf:1:4: \"<<\": expected a mapping or a list of mappings, "
                             "found a string (used by the alias at line 2)\n"},
    {"a: {<<: }",
     "{a:{}}\nf:1:9: \"<<\": expected a mapping or a list of mappings, found nothing\n"},
    {"a: {<<: [{b: c}, d]}",
     "{a:{b:c}}\nf:1:18: \"<<\": expected a mapping or a list of mappings, found a string\n"},
    {"a: {<<: [[]]}",
     "{a:{}}\nf:1:10: \"<<\": expected a mapping or a list of mappings, found a list\n"},
    {"a: {<<: *x, b: c}",
     "{a:{b:c}}\nf:1:9: unknown anchor \"x\": expected &x before this alias\n"},
    {"a: {<<: {b: 1},\n  <<: {c: 1}}", "{a:{b:1}}\nf:2:3: duplicate key \"<<\", first at line 1\n"},
    /* tags */
    {"[!!str 5, !!str true, !!str , !!str 'x', ! 5]", "['5','true','','x','5']"},
    {"[!!int '5', !!int -0x1F, !!int 0o7, !!int 0b1, !!int 1_000, !!int +5]",
     "[5,-0x1F,0o7,0b1,1_000,+5]"},
    {"[!!bool 'true', !!bool False]", "[true,False]"},
    {"[!!bool yes, !!bool n]", "[yes,n]"}, /* yaml.v2 */
    {"[!!float 1, !!float .5, !!float -1.5e3, !!float .inf, !!float '2']", "[1,.5,-1.5e3,.inf,2]"},
    {"[!!null '', !!null ~, !!null null, !!null ]", "[null,null,null,null]"},
    {"[!!binary aGVsbG8=, !!binary '']", "['hello','']"},
    {"a: !!timestamp 2001-01-01\nb: !!timestamp 2001-12-14t21:59:43.10-05:00",
     "{a:'2001-01-01',b:'2001-12-14t21:59:43.10-05:00'}"},
    {"a: !!map {b: !!seq [c]}\n", "{a:{b:[c]}}"},
    {"a: !<tag:yaml.org,2002:str> 5", "{a:'5'}"},
    {"%TAG ! tag:yaml.org,2002:\n---\na: !str 5", "{a:'5'}"},
    {"a: &x !!str 5\nb: *x\nc: !!str &y 6\nd: *y", "{a:'5',b:'5',c:'6',d:'6'}"},
    {"!!str 5: !!int 6", "{5:6}"},
    {"a: !!int 5x", "{a:BROKEN}\nf:1:4: the value does not match its tag !!int\n"},
    {"a: !!int 0x", "{a:BROKEN}\nf:1:4: the value does not match its tag !!int\n"},
    {"a: !!int '-'", "{a:BROKEN}\nf:1:4: the value does not match its tag !!int\n"},
    {"a: !!bool maybe", "{a:BROKEN}\nf:1:4: the value does not match its tag !!bool\n"},
    {"a: !!float x", "{a:BROKEN}\nf:1:4: the value does not match its tag !!float\n"},
    {"a: !!null x", "{a:BROKEN}\nf:1:4: the value does not match its tag !!null\n"},
    {"a: !!timestamp x", "{a:BROKEN}\nf:1:4: the value does not match its tag !!timestamp\n"},
    {"a: !!binary '%'", "{a:BROKEN}\nf:1:4: the value does not match its tag !!binary\n"},
    {"a: !!binary AAA=", "{a:BROKEN}\nf:1:4: the value does not match its tag !!binary\n"},
    {"a: !!binary /w==", "{a:BROKEN}\nf:1:4: the value does not match its tag !!binary\n"},
    {"a: !!merge x", "{a:BROKEN}\nf:1:4: the value does not match its tag !!merge\n"},
    /* Go ignores the tags of lists and mappings, and those that it does not know. */
    {"a: !!seq", "{a:BROKEN}\nf:1:4: the value does not match its tag !!seq\n"},
    {"a: !!seq {b: c}", "{a:{b:c}}\nf:1:4: the value does not match its tag !!seq\n"},
    {"a: !!str [b]", "{a:[b]}\nf:1:4: the value does not match its tag !!str\n"},
    {"a: !!set {b}",
     "{a:{b:null}}\nf:1:4: unknown tag !!set: expected none, or a standard tag such "
     "as !!str\n"},
    {"a: !secret b",
     "{a:BROKEN}\nf:1:4: unknown tag !secret: expected none, or a standard tag such as !!str\n"},
    {"!secret a: b\nc: d",
     "{c:d}\nf:1:1: unknown tag !secret: expected none, or a standard tag such as !!str\n"},
};

static void reads_as_go_does(void **state)
{
    size_t n_wrong = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_deinit) struct buf got = BUF_INIT(LIMIT_BYTES);

        read_text(rows[i].text, strlen(rows[i].text), &got);
        if (strcmp(got.data, rows[i].want) != 0) {
            print_error("for\n%s\ngot\n%s\nwant\n%s\n", rows[i].text, got.data, rows[i].want);
            n_wrong++;
        }
    }
    assert_int_equal(n_wrong, 0);
}

/* A copy has the place of the anchor's value and the line of the alias, also in a copy of a copy.
 */
static void copies_keep_both_places(void **state)
{
    static const char text[] = "a: &x\n  b: 1\nc: &y\n  - *x\nd:\n  *y\ne: {<<: *x}\n";
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    struct problems problems = PROBLEMS_INIT(&arena);
    const struct yaml_node *root = yaml_parse(&arena, text, strlen(text), &problems);
    const struct yaml_node *a = root->children, *c = a->next, *d = c->next, *e = d->next;

    (void)state;
    assert_int_equal(problems_total(&problems), 0);
    assert_int_equal(a->children->place.alias_line, 0);
    assert_int_equal(c->children->children->place.line, 2);
    assert_int_equal(c->children->children->place.column, 6);
    assert_int_equal(c->children->children->key->place.line, 2);
    assert_int_equal(c->children->children->place.alias_line, 4);
    assert_int_equal(d->children->children->place.alias_line, 6);
    assert_int_equal(d->place.line, 3);
    assert_int_equal(d->key->place.line, 5);
    assert_int_equal(d->key->place.alias_line, 0);
    assert_int_equal(e->children->key->place.alias_line, 7);
    assert_int_equal(e->place.line, 7);
    assert_ptr_equal(e->children->parent, e);
    for (const struct yaml_node *at = root->children; at; at = yaml_next(at, root))
        assert_ptr_equal(yaml_skip(at, at->parent), at->next);
}

static void a_problem_of_a_copy_names_the_alias_once(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    struct problems problems = PROBLEMS_INIT(&arena);

    (void)state;
    problems_add(&problems, (struct place){2, 3, 9}, "bad");
    problems_add(&problems, (struct place){2, 3, 10}, "bad");
    problems_add(&problems, (struct place){2, 3, 0}, "bad");
    problems_add(&problems, (struct place){2, 3, 0}, "worse");
    problems_print(&problems, "f", &out);
    assert_string_equal(out.data, "f:2:3: bad (used by the alias at line 9)\nf:2:3: worse\n");
}

/* Nine aliases of nine aliases of ...: 9^12 values in 700 bytes. */
static void aliases_have_a_ceiling(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf got = BUF_INIT(LIMIT_BYTES);

    (void)state;
    buf_append_str(&text, "a: &a [l, l, l, l, l, l, l, l, l]\n");
    for (char c = 'b'; c < 'm'; c++) {
        buf_printf(&text, "%c: &%c [", c, c);
        for (size_t i = 0; i < 9; i++)
            buf_printf(&text, "%s*%c", i > 0 ? ", " : "", c - 1);
        buf_append_str(&text, "]\n");
    }
    read_text(text.data, text.size, &got);
    assert_string_equal(got.data, "\nf:5:28: aliases expand to more than 50000 values\n");
}

static void merge_keys_have_the_same_ceiling(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf got = BUF_INIT(LIMIT_BYTES);

    (void)state;
    buf_append_str(&text, "a: &a {");
    for (size_t i = 0; i < 900; i++)
        buf_printf(&text, "k%zu: v, ", i);
    buf_append_str(&text, "}\nb:\n");
    for (size_t i = 0; i < 60; i++)
        buf_append_str(&text, "- <<: *a\n");
    read_text(text.data, text.size, &got);
    assert_string_equal(got.data, "\nf:58:7: aliases expand to more than 50000 values\n");
}

static void depth_members_and_anchors_have_limits(void **state)
{
    CLEANUP(buf_deinit) struct buf deep = BUF_INIT(LIMIT_BYTES), wide = BUF_INIT(LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf anchors = BUF_INIT(LIMIT_BYTES), got = BUF_INIT(LIMIT_BYTES);

    (void)state;
    buf_append_str(&deep, "a0: &a0 x\n");
    for (size_t i = 1; i < 60; i++)
        buf_printf(&deep, "a%zu: &a%zu [*a%zu]\n", i, i, i - 1);
    read_text(deep.data, deep.size, &got);
    assert_string_equal(got.data, "\nf:33:12: lists and mappings are nested too deeply\n");
    for (char c = 'a'; c < 'c'; c++) {
        buf_printf(&wide, "%c: &%c {", c, c);
        for (size_t i = 0; i < 600; i++)
            buf_printf(&wide, "%c%zu: v, ", c, i);
        buf_append_str(&wide, "}\n");
    }
    buf_append_str(&wide, "c: {<<: [*a, *b]}");
    buf_clear(&got);
    read_text(wide.data, wide.size, &got);
    assert_string_equal(got.data,
                        "\nf:2:3504: more than 1000 members in one list or mapping (used by the "
                        "alias at line 3)\n");
    for (size_t i = 0; i < 1001; i++)
        buf_printf(&anchors, "%s&a%zu x", i == 0 ? "[[" : i == 500 ? "],[" : ",", i);
    buf_append_str(&anchors, "]]");
    buf_clear(&got);
    read_text(anchors.data, anchors.size, &got);
    assert_string_equal(got.data, "\nf:1:7895: more than 1000 anchors in one document\n");
}

static void anchors_belong_to_one_document(void **state)
{
    static const char text[] = "a: &x 1\n---\nb: *x\n";
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    struct problems problems = PROBLEMS_INIT(&arena);

    (void)state;
    assert_non_null(yaml_parse_all(&arena, text, strlen(text), &problems));
    problems_print(&problems, "f", &out);
    assert_string_equal(out.data, "f:3:4: unknown anchor \"x\": expected &x before this alias\n");
}

/* Every limit of the arena ends in a problem or in a whole tree. */
static void survives_every_limit_of_memory(void **state)
{
    static const char text[] = "a: &x {b: [c, d], e: !!binary aGVsbG8=}\nf: {<<: *x, g: *x}\n";

    (void)state;
    for (size_t limit = 0; limit < 8000; limit += 16) {
        struct arena arena = ARENA_INIT(limit);
        struct problems problems = PROBLEMS_INIT(&arena);
        struct error err;

        if (yaml_parse(&arena, text, strlen(text), &problems) && arena_ok(&arena, &err))
            assert_int_equal(problems_total(&problems), 0);
        else
            assert_false(arena_ok(&arena, &err));
        arena_deinit(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_go_does),
        cmocka_unit_test(copies_keep_both_places),
        cmocka_unit_test(a_problem_of_a_copy_names_the_alias_once),
        cmocka_unit_test(aliases_have_a_ceiling),
        cmocka_unit_test(merge_keys_have_the_same_ceiling),
        cmocka_unit_test(depth_members_and_anchors_have_limits),
        cmocka_unit_test(anchors_belong_to_one_document),
        cmocka_unit_test(survives_every_limit_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
