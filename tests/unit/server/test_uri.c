/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets: decoded or rejected. */
#include "server/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Exactly URI_MEMORY bytes, so that a sanitizer notices one byte more. */
static char *parse(const char *text, struct uri *uri, bool *ok)
{
    char *memory = malloc(URI_MEMORY(strlen(text)));

    assert_non_null(memory);
    *ok = uri_parse(text, memory, uri);
    return memory;
}

static void finds_the_path(void **state)
{
    static const char *const rows[][2] = {
        {"/", "/"},
        {"/metrics", "/metrics"},
        {"/metrics?", "/metrics"},
        {"/a%20b+c%2f", "/a b+c/"},
        {"//metrics", "//metrics"},
        {"*", "*"},
        {"", ""},
        {"?a=1", ""},
        {"http://host", "/"},
        {"http://host?a=1", "/"},
        {"HTTPS://host:9/x%41", "/xA"},
        {"http:/x", "http:/x"},
        {"/http://x", "/http://x"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct uri uri;
        bool ok;
        char *memory = parse(rows[i][0], &uri, &ok);

        assert_true(ok);
        assert_string_equal(uri.path, rows[i][1]);
        free(memory);
    }
}

static void finds_parameters(void **state)
{
    const char *values[3] = {NULL, NULL, NULL};
    struct uri uri;
    bool ok;
    char *memory = parse("/?a=1&b&&a=x%3dy+z&=v&name%5B%5D=q&c=d=e&a", &uri, &ok);

    (void)state;
    assert_true(ok);
    assert_int_equal(uri_query(&uri, "a", values, 3), 3);
    assert_string_equal(values[0], "1");
    assert_string_equal(values[1], "x=y z");
    assert_string_equal(values[2], "");
    values[1] = NULL;
    assert_int_equal(uri_query(&uri, "a", values, 1), 3);
    assert_null(values[1]);
    assert_int_equal(uri_query(&uri, "b", values, 1), 1);
    assert_string_equal(values[0], "");
    assert_int_equal(uri_query(&uri, "", values, 1), 1);
    assert_string_equal(values[0], "v");
    assert_int_equal(uri_query(&uri, "name[]", values, 1), 1);
    assert_string_equal(values[0], "q");
    assert_int_equal(uri_query(&uri, "c", values, 1), 1);
    assert_string_equal(values[0], "d=e");
    assert_int_equal(uri_query(&uri, "d", values, 1), 0);
    assert_int_equal(uri_query(&uri, "A", NULL, 0), 0);
    free(memory);
}

static void rejects_invalid_escapes(void **state)
{
    static const char *const rows[] = {
        "/%",     "/%4",     "/%g0",        "/%0g",    "/%00",  "/x%00y",         "/?%",
        "/?a=%0", "/?a=%00", "/?a=1&b=%zz", "/?%00=1", "/%%41", "http://host/%q",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct uri uri;
        bool ok;
        char *memory = parse(rows[i], &uri, &ok);

        if (ok)
            fail_msg("%s", rows[i]);
        free(memory);
    }
}

static void fits_the_shortest_pairs(void **state)
{
    char text[1001];
    struct uri uri;
    bool ok;
    char *memory;

    (void)state;
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        text[i] = i % 2 ? 'b' : '&';
    text[0] = '?';
    text[sizeof(text) - 1] = '\0';
    memory = parse(text, &uri, &ok);
    assert_true(ok);
    assert_int_equal(uri_query(&uri, "b", NULL, 0), 500);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_path),
        cmocka_unit_test(finds_parameters),
        cmocka_unit_test(rejects_invalid_escapes),
        cmocka_unit_test(fits_the_shortest_pairs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
