/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: syntax, absence, matching of keys, limits. */
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

static void rejects_invalid_json(void **state)
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

/* Strict parsers reject these, containerd does not. */
static void accepts_what_go_accepts(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"\"\\ud800\"", "\xef\xbf\xbd"},
        {"\"\\ud83d\\udc33\"", "\xf0\x9f\x90\xb3"},
        {"\"\\ud83dx\"", "\xef\xbf\xbdx"},
        {"\"\\u00e4\\u20ac\\/\\b\"", "\xc3\xa4\xe2\x82\xac/\b"},
        {"\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"},
        {"\"\\ud800\\udc00\\udbff\\udfff\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
        {"\"\\ud7ff\\ue000\"", "\xed\x9f\xbf\xee\x80\x80"},
        {"\"\\udc00\"", "\xef\xbf\xbd"},                    /* the second half only */
        {"\"\\udbff\\ue000\"", "\xef\xbf\xbd\xee\x80\x80"}, /* the first half only */
        {"\"\\ud800\\ud800\"", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\"\\ud800\\n\"", "\xef\xbf\xbd\n"},
        {"\"\\u00Aa\\u00fF\"", "\xc2\xaa\xc3\xbf"},
        {"\"\\f\\n\\r\\t\\\"\\\\\"", "\f\n\r\t\"\\"},
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

static void matches_keys_like_go(void **state)
{
    static const struct {
        const char *text, *name, *want;
    } rows[] = {
        {"{\"a\":\"x\"}", "a", "x"},
        {"{\"Digest\":\"x\"}", "digest", "x"},
        {"{\"MEDIATYPE\":\"x\"}", "mediaType", "x"},
        {"{\"fs\xc5\xbf\":\"x\"}", "fss", "x"},
        {"{\"\xe2\x84\xaa\":\"x\"}", "k", "x"},
        {"{\"\xc5\xbfize\":\"x\"}", "size", "x"},
        {"{\"to\xe2\x84\xaa"
         "en\":\"x\"}",
         "token", "x"},
        {"{\"AZ[@\":\"x\"}", "az[@", "x"},
        {"{\"[\":\"x\"}", "{", NULL},
        {"{\"@\":\"x\"}", "`", NULL},
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

static void treats_other_kinds_as_absent(void **state)
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

static void accepts_null(void **state)
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

static void reads_the_strings_it_quotes(void **state)
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

static void limits_the_memory_of_a_document(void **state)
{
    (void)state;
    expect_limit("[],", (4 << 20) / 3);
    expect_limit("{},", (4 << 20) / 3);
    expect_limit("1,", 2 << 20);
}

static void reads_numbers(void **state)
{
    static const struct {
        const char *text;
        bool want;
        int64_t value;
    } rows[] = {
        {"-9223372036854775808", true, INT64_MIN},
        {"-9223372036854775809", false, 0},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-7", true, -7},
        {"0", true, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"1E+3", false, 0},
        {"10", true, 10},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(json_freep) struct json_document *document = parse(rows[i].text);
        int64_t value = 0;

        assert_int_equal(json_int(json_root(document), &value), rows[i].want);
        assert_true(value == rows[i].value);
    }
}

static void names_the_position(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"{\n \"a\": 1\n x", "invalid JSON at line 3, column 2: expected ',' or '}'"},
        {"[1 2]", "invalid JSON at line 1, column 4: expected ',' or ']'"},
        {"{\"a\" 1}", "invalid JSON at line 1, column 6: expected ':'"},
        {"{1", "invalid JSON at line 1, column 2: expected a key in quotes"},
        {"", "invalid JSON at line 1, column 1: expected a value"},
        {"1 1", "invalid JSON at line 1, column 3: trailing data"},
        {"-1.", "invalid JSON at line 1, column 4: expected a digit"},
        {"1e", "invalid JSON at line 1, column 3: expected a digit"},
        {"\"\\x\"", "invalid JSON at line 1, column 3: invalid escape"},
        {"\"\n\"", "invalid JSON at line 1, column 2: unterminated string or control character"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err;

        assert_null(json_parse(rows[i].text, strlen(rows[i].text), &err));
        assert_string_equal(err.message, rows[i].want);
    }
}

static void limits_the_depth(void **state)
{
    struct error err = {0};
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(1 << 20);
    (void)state;
    for (size_t i = 0; i < 100000; i++)
        buf_append_char(&text, '[');
    assert_null(json_parse(text.data, text.size, &err));
    assert_int_equal(err.code, ERROR_PROTOCOL);
    for (size_t depth = 10000; depth <= 10001; depth++) {
        CLEANUP(json_freep) struct json_document *document = NULL;

        buf_clear(&text);
        for (size_t i = 0; i < depth; i++)
            buf_append_char(&text, '[');
        for (size_t i = 0; i < depth; i++)
            buf_append_char(&text, ']');
        document = json_parse(text.data, text.size, &err);
        assert_int_equal(document != NULL, depth == 10000);
    }
    buf_clear(&text);
    for (size_t i = 0; i < 20000; i++) /* closed containers do not count */
        buf_append_str(&text, i == 0 ? "[[]" : ",{}");
    buf_append_char(&text, ']');
    CLEANUP(json_freep) struct json_document *flat = json_parse(text.data, text.size, &err);
    assert_int_equal(json_count(json_root(flat)), 20000);
}

static void parses_a_large_document(void **state)
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
        cmocka_unit_test(rejects_invalid_json),
        cmocka_unit_test(accepts_what_go_accepts),
        cmocka_unit_test(matches_keys_like_go),
        cmocka_unit_test(treats_other_kinds_as_absent),
        cmocka_unit_test(accepts_null),
        cmocka_unit_test(visits_members_in_order),
        cmocka_unit_test(reads_the_strings_it_quotes),
        cmocka_unit_test(limits_the_memory_of_a_document),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(names_the_position),
        cmocka_unit_test(limits_the_depth),
        cmocka_unit_test(parses_a_large_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
