/* SPDX-License-Identifier: Apache-2.0 */
/* Placeholders in images and tags. */
#include "probe/placeholder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define LIMIT_BYTES  ((size_t)1 << 16)

static const struct placeholders values = {"Node_1.example", "Push-A", 1770000000};

static void fills_names_and_the_time(void **state)
{
    static const char *const rows[][2] = {
        {"r.io/canary:probe", "r.io/canary:probe"},
        {"r.io/canary/{node}:probe", "r.io/canary/node_1.example:probe"},
        {"r.io/{probe}-{node}:x", "r.io/push-a-node_1.example:x"},
        {"r.io/a:{timestamp}", "r.io/a:20260202-024000"},
        {"{node}:{probe}", "node_1.example:push-a"},
        {"{probe}", "push-a"},
        {"{node}{node}", "node_1.examplenode_1.example"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
        struct error err;
        const char *got = placeholder_fill(rows[i][0], &values, &arena, &err);

        assert_non_null(got);
        assert_string_equal(got, rows[i][1]);
    }
}

static void cleans_names_for_a_repository(void **state)
{
    static const char *const rows[][2] = {
        {"plain", "plain"},
        {"UPPER", "upper"},
        {"a..b", "a-b"},
        {"a.-b", "a-b"},
        {"a__b", "a-b"},
        {"a_b.c-d", "a_b.c-d"},
        {"-a-", "a"},
        {"ip-10/0:1", "ip-10-0-1"},
        {"m\xc3\xbchle", "m-hle"},
        {"--", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
        const struct placeholders named = {rows[i][0], rows[i][0], 0};
        struct error err;

        assert_string_equal(placeholder_fill("{node}", &named, &arena, &err), rows[i][1]);
        assert_string_equal(placeholder_fill("{probe}", &named, &arena, &err), rows[i][1]);
    }
}

static void rejects_unknown_placeholders(void **state)
{
    static const char *const rows[][2] = {
        {"r.io/a:{host}", "\"{host}\""},
        {"r.io/a:{}", "\"{}\""},
        {"r.io/a:{Node}", "\"{Node}\""},
        {"r.io/a:{nodes}", "\"{nodes}\""},
        {"r.io/a:{no", "without \"}\""},
        {"r.io/{{node}}", "\"{{node}\""},
        {"{node}/a:x", "the registry, before the first"},
        {"r-{node}.io/a:{probe}", "the registry, before the first"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
        struct error err = {0};

        assert_null(placeholder_fill(rows[i][0], &values, &arena, &err));
        assert_int_equal(err.code, ERROR_INVALID);
        assert_non_null(strstr(err.message, rows[i][1]));
    }
}

static void limits_the_length_of_a_filled_text(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    struct error err = {0};
    char name[2000];
    const struct placeholders longest = {name, "p", 0};

    (void)state;
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_null(placeholder_fill("r.io/{node}", &longest, &arena, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

static void finds_a_placeholder(void **state)
{
    (void)state;
    assert_true(placeholder_in("a{b}{timestamp}", "timestamp"));
    assert_true(placeholder_in("{{timestamp}", "timestamp"));
    assert_false(placeholder_in("timestamp", "timestamp"));
    assert_false(placeholder_in("{timestamp", "timestamp"));
    assert_false(placeholder_in("{timestamps}", "timestamp"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_names_and_the_time),
        cmocka_unit_test(cleans_names_for_a_repository),
        cmocka_unit_test(rejects_unknown_placeholders),
        cmocka_unit_test(limits_the_length_of_a_filled_text),
        cmocka_unit_test(finds_a_placeholder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
