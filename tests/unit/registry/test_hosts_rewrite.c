/* SPDX-License-Identifier: Apache-2.0 */
/* Rewritten repositories: the right values are those of Go's regexp.ReplaceAllString(). */
#include "registry/hosts/hosts_rewrite.h"

#include "base/own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void replaces_like_go(void **state)
{
    static const struct {
        const char *pattern, *replacement, *repository, *result; /* NULL: no pattern for Go */
    } rows[] = {
        {"^library/(.*)", "hub/$1", "library/busybox", "hub/busybox"},
        {"^library/(.*)", "hub/${1}", "library/busybox", "hub/busybox"},
        {"^(.*)$", "proxy/$1", "a/b", "proxy/a/b"},
        {"(.*)", "proxy/$1", "a/b", "proxy/a/b"},
        {".*", "x", "a/b", "x"},
        {"", "-", "ab", "-a-b-"},
        {"a*", "x", "baac", "xbxcx"},
        {"b*", "x", "abc", "xaxcx"},
        {"^", "x/", "a/b", "x/a/b"},
        {"$", "/x", "a/b", "a/b/x"},
        {"\\b", "|", "a/b", "|a|/|b|"},
        {"^rancher/(.*)", "m/$1x", "rancher/a", "m/"},
        {"^rancher/(.*)", "m/${1}x", "rancher/a", "m/ax"},
        {"^rancher/(.*)", "m/$1_x", "rancher/a", "m/"},
        {"^rancher/(.*)", "m/$1-x", "rancher/a", "m/a-x"},
        {"^rancher/(.*)", "m/$2", "rancher/a", "m/"},
        {"^rancher/(.*)", "m/$0", "rancher/a", "m/rancher/a"},
        {"^rancher/(.*)", "m/$01", "rancher/a", "m/"},
        {"^rancher/(.*)", "m/$$1", "rancher/a", "m/$1"},
        {"^rancher/(.*)", "m/$", "rancher/a", "m/$"},
        {"^rancher/(.*)", "m/${1", "rancher/a", "m/${1"},
        {"^rancher/(.*)", "m/${}", "rancher/a", "m/${}"},
        {"^rancher/(.*)", "m/$-", "rancher/a", "m/$-"},
        {"^rancher/(.*)", "m/${1-}", "rancher/a", "m/${1-}"},
        {"^rancher/(.*)", "m/\\1", "rancher/a", "m/\\1"},
        {"^rancher/(.*)", "m/$999999999999", "rancher/a", "m/"},
        {"^rancher/(?P<name>.*)", "m/$name", "rancher/a", "m/a"},
        {"^rancher/(?P<name>.*)", "m/${name}x", "rancher/a", "m/ax"},
        {"^rancher/(?P<name>.*)", "m/$namex", "rancher/a", "m/"},
        {"^rancher/(?P<name>.*)", "m/$Name", "rancher/a", "m/"},
        {"a", "b", "a/a/a", "b/b/b"},
        {"a/", "", "a/a/a", "a"},
        {"(a)(b)?", "<$1$2>", "ab/a", "<ab>/<a>"},
        {"(?i)^RANCHER/", "m/", "rancher/a", "m/a"},
        {"^rancher/", "m/", "Rancher/a", "Rancher/a"},
        {"(?:library|)(.*)", "rke/$1", "library/a", "rke//a"},
        {"^(?:library|)(.*)", "rke/$1", "x/a", "rke/x/a"},
        {"(?!x)a", "b", "a", NULL},
        {"(a)\\1", "b", "aa", NULL},
        {"(", "b", "a", NULL},
        {"[", "b", "a", NULL},
        {"a{1001}", "b", "a", NULL},
        {"a{1000}", "b", "a", "a"},
        {"*a", "b", "a", NULL},
        {"a**", "b", "a", NULL},
        {"\\d+", "n", "a12/b3", "an/bn"},
        {"[[:alpha:]]+", "n", "a12/b3", "n12/n3"},
        {"\\pL", "n", "a1", "n1"},
        {"\\Qa.b\\E", "c", "a.b/axb", "c/axb"},
        {"a\\.b", "c", "a.b/axb", "c/axb"},
        {"\\x61", "c", "a", "c"},
        {"\\z", "/e", "a", "a/e"},
        {"\\A", "b/", "a", "b/a"},
        {"(?m)^a$", "b", "a", "b"},
        {"a|ab", "x", "ab", "xb"},
        {"(a|ab)(c|bcd)", "[$1,$2]", "abcd", "[a,bcd]"},
        {"a+?", "x", "aaa", "xxx"},
        {"(?U)a+", "x", "aaa", "xxx"},
        {"(a+)(a+)", "$2-$1", "aaa", "a-aa"},
        {"/", "//", "a/b", "a//b"},
        {"^cp/se", "se/$1", "cp/se/mini", "se//mini"},
        {"x", "y", "a/b", "a/b"},
        {"a", "a", "a/b", "a/b"},
        {"(?P<a>x)(?P<b>y)", "$b$a", "xyxy", "yxyx"},
        {"(?P<a>x)|(?P<b>y)", "<$a$b>", "xy", "<x><y>"},
        {"(?s).", ".", "ab", ".."},
        {"[^/]+$", "${0}-m", "a/b", "a/b-m"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 16);
        const struct hosts_rewrite rules[] = {{rows[i].pattern, rows[i].replacement}, {NULL, NULL}};
        const char *result = rows[i].result ? rows[i].result : rows[i].repository;
        struct hosts_rewritten out;
        struct error err;

        assert_true(hosts_rewrite_repository(rules, rows[i].repository, &arena, &out, &err));
        if (strcmp(out.repository, result) != 0 || !out.invalid != !!rows[i].result)
            fail_msg("%s: %s%s: expected %s", rows[i].pattern, out.repository,
                     out.invalid ? ", invalid" : "", result);
        assert_false(out.ambiguous);
        assert_true((out.repository == rows[i].repository) ==
                    (strcmp(out.repository, rows[i].repository) == 0));
    }
}

static void takes_the_first_rule_that_changes_the_name(void **state)
{
    static const struct {
        struct hosts_rewrite rules[4];
        const char *result;
        bool ambiguous, invalid;
    } rows[] = {
        {{{NULL, NULL}}, "a/b", false, false},
        {{{"x", "y"}, {"a", "c"}, {NULL, NULL}}, "c/b", false, false},
        {{{"a", "a"}, {"^a/", "c/"}, {NULL, NULL}}, "c/b", false, false},
        {{{"(", "x"}, {"a", "c"}, {")", "y"}, {NULL, NULL}}, "c/b", false, true},
        {{{"^a/", "c/"}, {"(.*)", "all/$1"}, {NULL, NULL}}, "c/b", true, false},
        {{{"^a/", "c/"}, {"a", "c"}, {NULL, NULL}}, "c/b", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 16);
        struct hosts_rewritten out;
        struct error err;

        assert_true(hosts_rewrite_repository(rows[i].rules, "a/b", &arena, &out, &err));
        assert_string_equal(out.repository, rows[i].result);
        assert_int_equal(out.ambiguous, rows[i].ambiguous);
        assert_int_equal(out.invalid != NULL, rows[i].invalid);
    }
}

static void limits_the_name(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 16);
    const struct hosts_rewrite rules[] = {{"a", "$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0"}, {NULL, NULL}};
    char name[HOSTS_REWRITE_BYTES_MAX / 16 + 2];
    struct hosts_rewritten out;
    struct error err;

    (void)state;
    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 2] = '\0';
    assert_true(hosts_rewrite_repository(rules, name, &arena, &out, &err));
    assert_int_equal(strlen(out.repository), HOSTS_REWRITE_BYTES_MAX);
    name[sizeof(name) - 2] = 'a';
    name[sizeof(name) - 1] = '\0';
    assert_false(hosts_rewrite_repository(rules, name, &arena, &out, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaces_like_go),
        cmocka_unit_test(takes_the_first_rule_that_changes_the_name),
        cmocka_unit_test(limits_the_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
