/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and URLs in flags. */
#include "command/web_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void finds_the_path_of_a_url(void **state)
{
    static const struct {
        const char *url, *want; /* NULL: refused */
    } rows[] = {
        {"", ""},
        {"http://host", ""},
        {"http://host/", "/"},
        {"https://host:8443/a/b/", "/a/b/"},
        {"http://[::1]:9/x", "/x"},
        {"/only/path", "/only/path"},
        {"http:///x", NULL},
        {"https://", NULL},
        {"host/x", NULL},
        {"ftp://host/x", NULL},
        {"http://host/x?y", NULL},
        {"http://host/#y", NULL},
        {"http://host/a b", NULL},
        {"http://host/\"", NULL},
        {"http://host/\xc3\xa4", NULL},
        {"http://host/0123456789012345678901234567890123456789", NULL},
    };
    char path[32];
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(web_path_of_url(rows[i].url, path, sizeof(path), &err), !!rows[i].want);
        if (rows[i].want)
            assert_string_equal(path, rows[i].want);
    }
}

static void normalises_a_prefix(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", ""},         {"/", ""},
        {"///", ""},      {"x", "/x"},
        {"/x/", "/x"},    {"a/b", "/a/b"},
        {"a//b", NULL},   {"/a?b", NULL},
        {"/a%20b", NULL}, {"0123456789012345", NULL},
    };
    char prefix[16];
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_int_equal(web_path_prefix(rows[i].text, prefix, sizeof(prefix), &err),
                         !!rows[i].want);
        if (rows[i].want)
            assert_string_equal(prefix, rows[i].want);
    }
}

static void checks_a_path(void **state)
{
    struct error err;

    (void)state;
    assert_true(web_path_check("/metrics", &err) && web_path_check("/", &err));
    assert_false(web_path_check("", &err) || web_path_check("metrics", &err));
    assert_false(web_path_check("/a?b", &err) || web_path_check("/a%2f", &err));
    assert_false(web_path_check("/a b", &err) || web_path_check("/<a>", &err));
}

static void a_route_prefix_replaces_the_path_of_the_url(void **state)
{
    char prefix[32];
    struct error err;

    (void)state;
    assert_true(web_path_routes("http://host/a/", NULL, prefix, sizeof(prefix), &err));
    assert_string_equal(prefix, "/a");
    assert_true(web_path_routes("http://host/a", "/", prefix, sizeof(prefix), &err));
    assert_string_equal(prefix, "");
    assert_false(web_path_routes("host", "b", prefix, sizeof(prefix), &err));
    assert_non_null(strstr(err.message, "--web.external-url"));
    assert_false(web_path_routes("", "a?b", prefix, sizeof(prefix), &err));
    assert_non_null(strstr(err.message, "--web.route-prefix"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_path_of_a_url),
        cmocka_unit_test(normalises_a_prefix),
        cmocka_unit_test(checks_a_path),
        cmocka_unit_test(a_route_prefix_replaces_the_path_of_the_url),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
