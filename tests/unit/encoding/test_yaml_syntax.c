/* SPDX-License-Identifier: Apache-2.0 */
/* Syntax errors that users make, and the words that they get. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "encoding/yaml.h"

#define LIMIT_BYTES ((size_t)16 << 20)
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define BYTES(text) text, sizeof(text) - 1

static bool reports(const char *text, size_t size, const char *want)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
    CLEANUP(buf_deinit) struct buf got = BUF_INIT(LIMIT_BYTES);
    struct problems problems = PROBLEMS_INIT(&arena);
    bool usable = yaml_parse(&arena, text, size, &problems);

    problems_print(&problems, "f", &got);
    if (!usable && got.size > 3 && strlen(want) + 3 == got.size &&
        strncmp(got.data + 2, want, got.size - 3) == 0)
        return true;
    print_error("for\n%.*s\ngot\n%s\nwant\nf:%s\n", (int)size, text, got.data ? got.data : "",
                want);
    return false;
}

static const struct {
    const char *text, *want;
} rows[] = {
    {"a:\n\tb: 1\n", "2:1: found a tab in the indentation: expected spaces"},
    {"\ta: 1\n", "1:1: found a tab in the indentation: expected spaces"},
    {"a:\n  b: 1\n\tc: 2\n", "3:1: found a tab in the indentation: expected spaces"},
    {"a:\n  - x\n\t- y\n", "3:1: found a tab in the indentation: expected spaces"},
    {"a: |\n\tx\n", "2:1: found a tab in the indentation: expected spaces"},
    {"a: >\n  x\n\ty\n", "3:1: found a tab in the indentation: expected spaces"},
    {"probes:\n  - name: a\n\t image: b\n", "3:1: found a tab in the indentation: expected spaces"},
    {"probes:\n  - name: a\n  \timage: b\n",
     "3:3: found a tab in the indentation: expected spaces"},
    {"a:\n  x\n\ty\n", "3:1: found a tab in the indentation: expected spaces"},
    {"a 1\nb: 2\n", "1:1: expected a key with \": \" (a colon and a space) after it"},
    {"a: 1\nb\n", "2:1: expected a key with \": \" (a colon and a space) after it"},
    {"a:1\nb: 2\n", "1:1: expected a key with \": \" (a colon and a space) after it"},
    {"b: 2\na:1\n", "2:1: expected a key with \": \" (a colon and a space) after it"},
    {"probes:\n  - name:a\n    image: b\n",
     "2:5: expected a key with \": \" (a colon and a space) after it"},
    {"probes:\n  - name: a\n    image b\n    x: c\n",
     "3:5: expected a key with \": \" (a colon and a space) after it"},
    {"probes:\n  - name: a\n   image: b\n",
     "3:4: wrong indentation: found column 4: expected column 5, as in the line above, or column "
     "3, as in line 2"},
    {"probes:\n  - name: a\n     image: b\n", "3:6: wrong indentation: the key above has a value "
                                              "already: expected the same column for both"},
    {"probes:\n - name: a\n  - name: b\n",
     "3:3: wrong indentation: found column 3: expected column 2, as in line 2"},
    {"probes:\n  - name: a\n - name: b\n",
     "3:2: wrong indentation: found column 2: expected column 3, as in the line above, or column "
     "1, as in line 1"},
    {"a: 1\n b: 2\n", "2:2: wrong indentation: the key above has a value already: expected the "
                      "same column for both"},
    {" a: 1\nb: 2\n", "2:1: wrong indentation: expected that of the first line of the document, or "
                      "\"---\" before a new document"},
    {"a:\n    b: 1\n  c: 2\n", "3:3: wrong indentation: found column 3: expected column 5, as in "
                               "the line above, or column 1, as in line 1"},
    {"a: b: c\n", "1:5: found a second \": \" in one line: expected quotes around the value"},
    {"a: http: //x\n", "1:8: found a second \": \" in one line: expected quotes around the value"},
    {"image: \"x\nb: 1\n",
     "1:8: found the quote \" without a second one: expected it at the end of the value"},
    {"image: 'x\nb: 1\n",
     "1:8: found the quote ' without a second one: expected it at the end of the value"},
    {"image: \"x\" y\n",
     "1:12: found text after the closing quote: expected the end of the value (inside single "
     "quotes ' is written '', inside double quotes \" is written \\\")"},
    {"image: 'it's'\n",
     "1:12: found text after the closing quote: expected the end of the value (inside single "
     "quotes ' is written '', inside double quotes \" is written \\\")"},
    {"a: [1, 2\nb: 3\n",
     "2:2: expected \",\" or \"]\": the list that begins with \"[\" at line 1 is not closed"},
    {"a: [1, 2\n", "1:4: found \"[\" without \"]\": the file ends inside of this list"},
    {"a: {x: 1, y: 2\nb: 3\n",
     "2:2: expected \",\" or \"}\": the mapping that begins with \"{\" at line 1 is not closed"},
    {"a: {x: 1\n", "1:4: found \"{\" without \"}\": the file ends inside of this mapping"},
    {"a: [1, 2}\n",
     "1:9: expected \",\" or \"]\": the list that begins with \"[\" at line 1 is not closed"},
    {"a: {x: 1]\n",
     "1:9: expected \",\" or \"}\": the mapping that begins with \"{\" at line 1 is not closed"},
    {"a: ]\n", "1:4: found \"]\": expected a value, in quotes if it starts with \"]\""},
    {"a: }\n", "1:4: found \"}\": expected a value, in quotes if it starts with \"}\""},
    {"a: ,\n", "1:4: found \",\": expected a value, in quotes if it starts with \",\""},
    {"a: @x\n", "1:4: found \"@\" at the start of a value: expected quotes around the value"},
    {"a: `x`\n", "1:4: found \"`\" at the start of a value: expected quotes around the value"},
    {"a: %x\n", "1:4: found \"%\" at the start of a value: expected quotes around the value"},
    {"%a: 1\n", "1:1: found a line that starts with \"%\": expected quotes around the text"},
    {"- @x\n", "1:3: found \"@\" at the start of a value: expected quotes around the value"},
    {"@a: 1\n", "1:1: found \"@\" at the start of a value: expected quotes around the value"},
    {"a: *\n", "1:4: found \"*\" without the name of an anchor: expected quotes around a text that "
               "starts with \"*\""},
    {"a: *.x\n", "1:4: found \"*\" without the name of an anchor: expected quotes around a text "
                 "that starts with \"*\""},
    {"a: *a.b\n", "1:4: found \"*\" without the name of an anchor: expected quotes around a text "
                  "that starts with \"*\""},
    {"*: {}\n", "1:1: found \"*\" without the name of an anchor: expected quotes around a text "
                "that starts with \"*\""},
    {"a: &\n", "1:4: found \"&\" without the name of an anchor: expected quotes around a text that "
               "starts with \"&\""},
    {"a: & x\n", "1:4: found \"&\" without the name of an anchor: expected quotes around a text "
                 "that starts with \"&\""},
    {"a: !<x\n", "1:7: invalid tag: expected quotes around a text that starts with \"!\""},
    {"a: !h!x y\n", "1:4: unknown tag: expected none, or a standard tag such as !!str"},
    {"a: \"\\q\"\n", "1:5: found \"\\\" before a character that is no escape of YAML: expected "
                     "\"\\\\\" for a backslash, or single quotes around the value"},
    {"a: \"\\x1\"\n", "1:7: expected hexadecimal digits after \"\\x\", \"\\u\" or \"\\U\""},
    {"a: \"C:\\dir\"\n", "1:7: found \"\\\" before a character that is no escape of YAML: expected "
                         "\"\\\\\" for a backslash, or single quotes around the value"},
    {"a: - b\n", "1:4: found \"- \" after a key: expected the list on the next line, or quotes "
                 "around the value"},
    {"a: ? b\n", "1:4: found \"? \" at the start of a value: expected quotes around the value"},
    {"- a\nb: 1\n", "2:1: found a key in the column of the list that begins at line 1: expected "
                    "\"- \" or another column"},
    {"b: 1\n- a\n", "2:1: found an item of a list in the column of the keys that begin at line 1: "
                    "expected a key or another column"},
    {"a: |x\n  b\n",
     "1:5: found text after \"|\" or \">\": expected the text on the next lines, indented"},
    {"a: |0\n  b\n", "1:5: found \"0\" after \"|\" or \">\": expected 1 to 9"},
    {"a: >-  x\n  b\n",
     "1:8: found text after \"|\" or \">\": expected the text on the next lines, indented"},
    {"a: 1\n<<<<<<< HEAD\nb: 2\n=======\n",
     "2:1: found a conflict marker of version control: expected YAML"},
    {"a: 1\n--\nb: 2\n", "2:1: expected a key with \": \" (a colon and a space) after it"},
    {"a: \"x\n---\nb\n",
     "1:4: found the quote \" without a second one: expected it at the end of the value"},
    {"%YAML 2.0\n---\na: 1\n", "1:1: unknown version of YAML: expected 1.1 or 1.2"},
    {"%FOO\na: 1\n", "1:1: found a line that starts with \"%\": expected quotes around the text"},
    {"%YAML 1.1\na: 1\n",
     "2:1: expected \"---\" after the directives (lines that start with \"%\")"},
    {"a: 1\n... x\n", "2:5: wrong indentation: expected that of the first line of the document, or "
                      "\"---\" before a new document"},
    {"a: 1\n...\nb: 2\n", "3:1: expected \"---\" after \"...\""},
    {"\"a\": 1\n\"b\" 2\n", "2:1: expected a key with \": \" (a colon and a space) after it"},
    {"a: 1\n\"b\"\nc: 2\n", "2:1: expected a key with \": \" (a colon and a space) after it"},
    {"{\"a\" 1}\n",
     "1:6: expected \",\" or \"}\": the mapping that begins with \"{\" at line 1 is not closed"},
    {"{\"a\": 1 \"b\": 2}\n", "1:12: found a \":\" that no key has: expected \",\" before the next "
                              "key, or quotes around the value"},
    {"a: : b\n", "1:4: found a second \": \" in one line: expected quotes around the value"},
    {": b\n", "1:1: found \":\" without a key: expected a key before it"},
    {"- name: a\n- \n image: b\n  x: y\n", "4:3: wrong indentation: the key above has a value "
                                           "already: expected the same column for both"},
    {"a:\n-b\n-c: 1\n",
     "2:1: found \"-\" without a space after it: expected \"- \" before an item of a list"},
    {"a:\n  -b\n  c: 1\n",
     "2:3: found \"-\" without a space after it: expected \"- \" before an item of a list"},
    {"k: v\n  more: x\n", "2:3: wrong indentation: the key above has a value already: expected the "
                          "same column for both"},
    {"description: Note: this\n",
     "1:18: found a second \": \" in one line: expected quotes around the value"},
    {"\"a: 1\n",
     "1:1: found the quote \" without a second one: expected it at the end of the value"},
    {"a: 'b\n c: 1\n",
     "1:4: found the quote ' without a second one: expected it at the end of the value"},
    {"a: x\r\n b: 1\r\n", "2:2: wrong indentation: the key above has a value already: expected the "
                          "same column for both"},
    {"a:\r\n\tb: 1\r\n", "2:1: found a tab in the indentation: expected spaces"},
    {"\xc3"
     "\xa9"
     ": \xc3"
     "\xbc"
     ": 2\n",
     "1:5: found a second \": \" in one line: expected quotes around the value"},
    {"# c\n\n  # c\na: 1\n\n# c\n b: 2\n",
     "7:2: wrong indentation: found column 2: expected column 1, as in line 4"},
    {"a: {b: c: d}\n", "1:9: found a \":\" that no key has: expected \",\" before the next key, or "
                       "quotes around the value"},
    {"- a: 1\n  - b\n", "2:3: found an item of a list in the column of the keys that begin at line "
                        "1: expected a key or another column"},
    {"a: \"x\\u12\"\n", "1:8: expected hexadecimal digits after \"\\x\", \"\\u\" or \"\\U\""},
    {"a: \"\\ud800\"\n", "1:7: the code after \"\\u\" or \"\\U\" is no Unicode character"},
    {"a: [\n",
     "2:1: found the end of the file inside of a list or mapping: expected \"]\" or \"}\""},
    {"a: {b: [c, }\n", "1:12: found \"}\": expected a value, in quotes if it starts with \"}\""},
    {"a: {\n\t\"b\": 1\n\t\"c\": 2\n}\n", "3:1: found a tab in the indentation: expected spaces"},
    {"a: [\"b\" \"c\"]\n",
     "1:9: expected \",\" or \"]\": the list that begins with \"[\" at line 1 is not closed"},
    {">>>>>>> theirs\na: 1\n", "1:1: found a conflict marker of version control: expected YAML"},
    {"a: 1\n||||||| base\nb: 1\n",
     "2:1: found a conflict marker of version control: expected YAML"},
    {"a: !<tag\n", "1:9: invalid tag: expected quotes around a text that starts with \"!\""},
    {"a: &a-b.c d\n", "1:4: found \"&\" without the name of an anchor: expected quotes around a "
                      "text that starts with \"&\""},
};

static void tells_what_was_found_and_what_is_expected(void **state)
{
    size_t n_wrong = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        n_wrong += !reports(rows[i].text, strlen(rows[i].text), rows[i].want);
    assert_int_equal(n_wrong, 0);
}

static const struct {
    const char *text;
    size_t size;
    const char *want;
} encodings[] = {
    {BYTES("a: x\0y\n"), "1:5: found the control character 0x00 (NUL): expected text"},
    {BYTES("a: \xc3\xa9\x01\n"), "1:5: found the control character 0x01: expected text"},
    {BYTES("a: x\x1b[0m\n"), "1:5: found the control character 0x1b: expected text"},
    {BYTES("a: x\nb: \xff\n"),
     "2:4: found the byte 0xff, which is not text in UTF-8: expected a file in UTF-8"},
    {BYTES("a: caf\xe9\n"),
     "1:7: found the byte 0xe9, which is not text in UTF-8: expected a file in UTF-8"},
    {BYTES("a: \xed\xa0\x80\n"),
     "1:4: found the byte 0xed, which is not text in UTF-8: expected a file in UTF-8"},
    {BYTES("a: \xe2\x82"),
     "1:4: found the byte 0xe2, which is not text in UTF-8: expected a file in UTF-8"},
    {BYTES("\xff\xfe"
           "a\0:\0 \0b\0"),
     "1:1: the file is in UTF-16: expected UTF-8"},
    {BYTES("\xfe\xff"
           "\0a\0:\0 \0b"),
     "1:1: the file is in UTF-16: expected UTF-8"},
    {BYTES("a\0:\0 \0b\0"), "1:2: the file is in UTF-16: expected UTF-8"},
    {BYTES("\0a\0:\0 \0b"), "1:1: the file is in UTF-16: expected UTF-8"},
    {BYTES("\0\0"), "1:1: found the control character 0x00 (NUL): expected text"},
    {BYTES("\xef\xbb\xbf"
           "a: 1\n b: 2\n"),
     "2:2: wrong indentation: the key above has a value already: expected the same column for "
     "both"},
    {BYTES("\xef\xbb\xbf"
           "a: @\n"),
     "1:4: found \"@\" at the start of a value: expected quotes around the value"},
};

static void names_the_encoding(void **state)
{
    size_t n_wrong = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(encodings); i++)
        n_wrong += !reports(encodings[i].text, encodings[i].size, encodings[i].want);
    assert_int_equal(n_wrong, 0);
}

static void accepts_a_byte_order_mark_and_every_line_end(void **state)
{
    static const char *const texts[] = {
        "\xef\xbb\xbf"
        "a: 1\nb: 2\n",
        "a: 1\r\nb: 2\r\n",
        "a: 1\rb: 2\r",
        "a: 1\nb: 2",
        "---\na: 1\nb: 2\n...\n",
        "--- # c\na: 1\nb: 2\n... # c\n# c\n",
        "%YAML 1.1\n---\na: 1\nb: 2\n",
        "{\"a\": 1,\t\"b\": 2}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
        struct problems problems = PROBLEMS_INIT(&arena);
        const struct yaml_node *root = yaml_parse(&arena, texts[i], strlen(texts[i]), &problems);

        assert_int_equal(problems_total(&problems), 0);
        assert_int_equal(root->count, 2);
        assert_string_equal(root->children->next->text, "2");
    }
}

/* A value may be a secret: the words never quote it. */
static void quotes_no_value(void **state)
{
    static const char *const texts[] = {
        "hunter2\na: 1\n",    "a: hunter2: x\n",          "a: 1\nhunter2\nb: 1\n",
        "a: 'hunter2\n",      "a: \"hunter2\" hunter2\n", "a: [hunter2\n",
        "a: !!int hunter2\n", "a: \"hunter2\\q\"\n",      "a: !!binary hunter2\n",
        "a: |hunter2\n",      "a: hunter2\n\tb: 1\n",     "a: &x\n  hunter2\n b: 1\n",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(LIMIT_BYTES);
        CLEANUP(buf_deinit) struct buf got = BUF_INIT(LIMIT_BYTES);
        struct problems problems = PROBLEMS_INIT(&arena);

        (void)yaml_parse(&arena, texts[i], strlen(texts[i]), &problems);
        problems_print(&problems, "f", &got);
        assert_int_equal(problems_total(&problems), 1);
        assert_null(strstr(got.data, "hunter2"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_was_found_and_what_is_expected),
        cmocka_unit_test(names_the_encoding),
        cmocka_unit_test(accepts_a_byte_order_mark_and_every_line_end),
        cmocka_unit_test(quotes_no_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
