/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from outside: what is absent, how keys match, what is too much. */
#include "encoding/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct json_document *parse(const char *text)
{
    struct error err;
    struct json_document *document = json_parse(text, strlen(text), &err);
    assert_non_null(document);
    return document;
}

static void refuses_what_is_no_json(void **state)
{
    static const char *const texts[] = {
        "",           "{",          "{\"a\":}", "[1,]",      "{} x",  "\"\n\"",
        "{\"a\":1e}", "\"\\ud80\"", "nul",      "{\"a\" 1}", "[1 2]", "{\"a\":1,}",
        "01",         "-",          "1.",       "\"\\x\"",   "[1}",   "{\"a\":1]",
        "\"a",        "+1",         ".5",       "{1:2}",     "]",     "\"\\u12g4\""};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct error err = {0};
        assert_null(json_parse(texts[i], strlen(texts[i]), &err));
        assert_int_equal(err.code, ERROR_PROTOCOL);
        assert_non_null(strstr(err.message, "line"));
    }
}

/* What a strict reader would refuse, and containerd's does not. */
static void accepts_what_go_accepts(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"\"\\ud800\"", "\xef\xbf\xbd"},
        {"\"\\ud83d\\udc33\"", "\xf0\x9f\x90\xb3"},
        {"\"\\ud83dx\"", "\xef\xbf\xbdx"},
        {"\"\\u00e4\\u20ac\\/\\b\"", "\xc3\xa4\xe2\x82\xac/\b"},
        {"\"\xff\"", "\xff"},
        {" [1e999999, -0, 99999999999999999999, 1.5E-3, {\"\":{}}, [[]], true] ", NULL},
    };
    int64_t value;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(json_freep) struct json_document *document = parse(rows[i].text);
        const struct json *root = json_root(document);
        if (rows[i].want)
            assert_string_equal(json_text(root), rows[i].want);
        else
            assert_true(json_int(json_item(root, 1), &value) && value == 0 &&
                        !json_int(json_item(root, 0), &value) &&
                        !json_int(json_item(root, 2), &value) && json_count(root) == 7 &&
                        json_is_object(json_member(json_item(root, 4), "")) &&
                        json_count(json_item(root, 5)) == 1);
    }
}

static void matches_keys_as_go_does(void **state)
{
    static const struct {
        const char *text, *name, *want;
    } rows[] = {
        {"{\"a\":\"x\"}", "a", "x"},
        {"{\"Digest\":\"x\"}", "digest", "x"},
        {"{\"MEDIATYPE\":\"x\"}", "mediaType", "x"},
        {"{\"fs\xc5\xbf\":\"x\"}", "fss", "x"},
        {"{\"\xe2\x84\xaa\":\"x\"}", "k", "x"},
        {"{\"token\":\"1\",\"Token\":\"2\"}", "token", "2"},
        {"{\"token\":\"1\",\"token\":\"2\"}", "token", "2"},
        {"{\"toke\":\"1\"}", "token", NULL},
        {"{\"tokens\":\"1\"}", "token", NULL},
        {"{\"\xc3\x84\":\"1\"}", "\xc3\xa4", NULL},
        {"{}", "token", NULL},
        {"[\"token\"]", "token", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(json_freep) struct json_document *document = parse(rows[i].text);
        const char *got = json_text(json_member(json_root(document), rows[i].name));
        if (rows[i].want)
            assert_string_equal(got, rows[i].want);
        else
            assert_null(got);
    }
}

static void tells_of_absence_for_the_wrong_kind(void **state)
{
    CLEANUP(json_freep)
    struct json_document *document = parse("{\"null\":null,\"real\":1.0,\"nul\":\"a\\u0000b\","
                                           "\"list\":[1,\"two\"],\"big\":9223372036854775807}");
    const struct json *root = json_root(document);
    int64_t value = 7;

    (void)state;
    assert_non_null(json_member(root, "null"));
    assert_true(json_is_null(json_member(root, "null")));
    assert_false(json_is_null(NULL));
    assert_false(json_int(json_member(root, "real"), &value));
    assert_false(json_int(NULL, &value));
    assert_int_equal(value, 7);
    assert_true(json_int(json_member(root, "big"), &value));
    assert_true(value == INT64_MAX);
    assert_null(json_text(json_member(root, "nul")));
    assert_null(json_text(json_member(root, "real")));
    assert_null(json_text(NULL));
    assert_int_equal(json_count(json_member(root, "list")), 2);
    assert_int_equal(json_count(root), 0);
    assert_int_equal(json_count(NULL), 0);
    assert_string_equal(json_text(json_item(json_member(root, "list"), 1)), "two");
    assert_null(json_item(json_member(root, "list"), 2));
    assert_null(json_item(root, 0));
    assert_true(json_is_object(root));
    assert_false(json_is_object(json_member(root, "list")));
    assert_true(json_is_array(json_member(root, "list")));
    assert_false(json_is_array(root));
}

static void frees_and_roots_nothing(void **state)
{
    (void)state;
    json_free(NULL);
    assert_null(json_root(NULL));
}

static void collect(void *arg, const char *name, const struct json *value)
{
    buf_printf(arg, "%s=%s;", name, json_text(value));
}

static void visits_members_in_order(void **state)
{
    CLEANUP(json_freep)
    struct json_document *document = parse("{\"z\":\"1\",\"a\":\"2\",\"m\":\"3\"}");
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(1000);

    (void)state;
    json_each_member(json_root(document), collect, &out);
    assert_string_equal(out.data, "z=1;a=2;m=3;");
    json_each_member(NULL, collect, &out);
    json_each_member(json_item(NULL, 0), collect, &out);
    assert_string_equal(out.data, "z=1;a=2;m=3;");
}

static void quotes_so_that_it_can_be_read_again(void **state)
{
    static const char *const texts[] = {"", "plain", "\"\\/\b\t\n\x01\x1f\x7f",
                                        "\xc3\xa4\xf0\x9f\x90\xb3"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct error err;
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(1000);
        json_quote(&out, texts[i]);
        assert_true(buf_ok(&out, &err));
        CLEANUP(json_freep) struct json_document *document = parse(out.data);
        assert_string_equal(json_text(json_root(document)), texts[i]);
    }
}

static void expect_limit(const char *piece, size_t count)
{
    struct error err = {0};
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(16 << 20);
    buf_append_char(&text, '[');
    for (size_t i = 0; i < count; i++)
        buf_append_str(&text, piece);
    buf_append_str(&text, "0]");
    assert_true(buf_ok(&text, &err));
    assert_null(json_parse(text.data, text.size, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
}

static void stops_at_a_document_that_would_grow_too_much(void **state)
{
    (void)state;
    expect_limit("[],", (4 << 20) / 3);
    expect_limit("{},", (4 << 20) / 3);
    expect_limit("1,", 2 << 20);
}

static void stops_at_deep_nesting(void **state)
{
    struct error err = {0};
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
    (void)state;
    for (size_t i = 0; i < 100000; i++)
        buf_append_char(&text, '[');
    assert_null(json_parse(text.data, text.size, &err));
    assert_int_equal(err.code, ERROR_PROTOCOL);
}

static void parses_an_ordinary_document_of_the_largest_size(void **state)
{
    struct error err;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(16 << 20);
    (void)state;
    buf_append_str(&text, "{\"layers\":[");
    while (text.size < (2 << 20))
        buf_append_str(&text,
                       "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\","
                       "\"size\":123456,\"digest\":\"sha256:"
                       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"},");
    buf_append_str(&text, "{}]}");
    assert_true(buf_ok(&text, &err));
    CLEANUP(json_freep) struct json_document *document = json_parse(text.data, text.size, &err);
    assert_non_null(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_no_json),
        cmocka_unit_test(accepts_what_go_accepts),
        cmocka_unit_test(matches_keys_as_go_does),
        cmocka_unit_test(tells_of_absence_for_the_wrong_kind),
        cmocka_unit_test(frees_and_roots_nothing),
        cmocka_unit_test(visits_members_in_order),
        cmocka_unit_test(quotes_so_that_it_can_be_read_again),
        cmocka_unit_test(stops_at_a_document_that_would_grow_too_much),
        cmocka_unit_test(stops_at_deep_nesting),
        cmocka_unit_test(parses_an_ordinary_document_of_the_largest_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
