/* SPDX-License-Identifier: Apache-2.0 */
/* Which files each version of containerd reads and which it drops, as measured on ctr 1.6, 1.7 and
 * 2.1 and on the parsers of the releases 2.0 to 2.4. */
#include "registry/hosts/hosts_toml.h"

#include "base/own.h"
#include "engines/daemon/daemon_hosts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Who reads the file: containerd 1; 2.0 to 2.3; 2.4. */
enum {
    V1 = 1,
    V2_0 = 2,
    V2_4 = 4,
    V2 = V2_0 | V2_4,
    ALL = V1 | V2,
    NONE = 0,
};

struct row {
    const char *toml;
    unsigned readers;
    size_t size; /* if the text has a NUL */
};

#define M "[host.\"https://m.example\"]\n"

static const struct row rows[] = {
    {M, ALL},
    /* byte order marks and other encodings */
    {"\xef\xbb\xbf" M, V1},
    {"\xef\xbb\xbf# a comment\r\n[host.\"https://m.example\"]\r\n", V1},
    {M "\xef\xbb\xbfx = 1\n", NONE},
    {"\xff\xfe[\0h\0o\0s\0t\0]\0\n\0", NONE, 16},
    {"\xfe\xff\0[\0h\0o\0s\0t\0]\0\n", NONE, 16},
    {"# caf\xe9\n" M, V1},
    {"# caf\xc3\xa9 \xe2\x80\x93\n" M, ALL},
    {"x = \"caf\xe9\"\n" M, V1},
    {"x = 'caf\xe9'\n" M, V1},
    {"x = \"\xed\xa0\x80\"\n" M, V1},
    {"caf\xc3\xa9 = 1\n" M, NONE},
    {"\xc2\xa0\n" M, NONE},
    /* ends of lines */
    {"x = 1\r\n[host.\"https://m.example\"]\r\ncapabilities = [\r\n\"pull\"\r\n]\r\n", ALL},
    {"x = \"\"\"\r\na\r\n\"\"\"\r\n" M, ALL},
    {"x = 1\ry = 2\r" M, V1},
    {"# a\rb\n" M, V1},
    {"x = [1,\r2]\n" M, V1},
    {"x = \"\"\"a\rb\"\"\"\n" M, V1},
    {"[host.\"https://m.example\"]\r\r\n", V1},
    {"[host.\"https://m.example\"]", ALL},
    {"x = \"a\nb\"\n" M, NONE},
    /* control characters */
    {"# a\x01\x7f\n" M, V1},
    {"# a\0b\n" M, V1, sizeof("# a\0b\n" M) - 1},
    {"x = \"a\x01\"\n" M, NONE},
    {"x = \"a\tb\"\ny = 'a\tb'\n" M, ALL},
    {"\f" M, NONE},
    {M "\x1a", NONE},
    {M "\0", NONE, sizeof(M)},
    /* escapes */
    {"x = \"\\b\\t\\n\\f\\r\\\"\\\\\\u0041\\U00000041\"\n" M, ALL},
    {"x = \"\\x41\"\n" M, V2_4},
    {"x = \"\"\"\\x41\"\"\"\n" M, V2_4},
    {M "capabilities = [\"pu\\x6cl\"]\n", V2_4},
    {M "capabilities = [\"pu\\u006cl\"]\n", ALL},
    {"x = \"\\x4\"\n" M, NONE},
    {"x = \"\\e\"\n" M, V2},
    {"x = \"\\/\"\n" M, V1},
    {"x = \"\\s\"\n" M, NONE},
    {"x = \"\\0\"\n" M, NONE},
    {"x = \"\\u41\"\n" M, NONE},
    {"x = \"\\ud800\"\n" M, V1},
    {"x = \"\\U00110000\"\n" M, V1},
    {M "ca = \"C:\\certs\\ca.crt\"\n", NONE},
    {M "[host.\"https://m.example\".rewrite]\n\"^a\\.b\" = \"c\"\n", NONE},
    {M "[host.\"https://m.example\".rewrite]\n'^a\\.b' = \"c\"\n", ALL},
    {"x = 'a\\x41'\n" M, ALL},
    {"x = \"a\\\\\" # \"\n" M, ALL},
    /* headers of tables */
    {"[ host . \"https://m.example\" ]\n", ALL},
    {"['host'.'https://m.example']\n", ALL},
    {M "[x.\"http://[::1]:5000\"]\n", V2},
    {M "[x] # ]\n", ALL},
    {M M, NONE},
    {"[x]\n[x]\n" M, NONE},
    {M "[host]\n", ALL},
    {M "[[x]]\n[[x]]\n", ALL},
    {M "[ [x]]\n", NONE},
    {"[x][y]\n" M "[", NONE},
    /* keys twice */
    {"x = 1\nx = 2\n" M, NONE},
    {"x = 1\n\"x\" = 2\n" M, NONE},
    {M "skip_verify = true\nskip_verify = true\n", NONE},
    {"x = {y = 1}\nx.z = 2\n" M, NONE},
    /* inline tables */
    {"x = {y = 1, z = {}}\n" M, ALL},
    {"x = {\n y = 1\n}\n" M, V1 | V2_4},
    {"x = {y = 1,}\n" M, V2_4},
    {"x = {\n y = 1, # one\n z = 2, # two\n}\n" M, V2_4},
    {"x = {}\ny = [{z = 1,},]\n" M, V2_4},
    {"x = {y = [\n1,\n2,\n]}\n" M, ALL},
    {"x = {y = 1,,}\n" M, NONE},
    {"x = [1, \"a\", 2.0, [true, {}]]\n" M, ALL},
    {"x = [, 1]\n" M, NONE},
    /* texts of several lines */
    {"x = \"\"\"\n[host.\"https://b.example\"]\n\"\"\"\n" M, ALL},
    {"x = '''\n[host.\"https://b.example\"]\n'''\n" M, ALL},
    {"x = \"\"\"\"a\"\"\"\ny = \"\"\"\"\"\"\n" M, ALL},
    {"x = \"\"\"\"\"a\"\"\"\"\"\n" M, V2},
    {"x = '''a''''\n" M, V2},
    {"x = \"\"\"a\"\"\"\"\"\"\n" M, NONE},
    {"x = \"\"\"a\\  \n  b\"\"\"\n" M, ALL},
    {"[host.\"\"\"https://m.example\"\"\"]\n" M M, NONE},
    /* dates and times, which no key of the file has */
    {"x = 1979-05-27T07:32:00Z\ny = 1979-05-27 07:32:00.999-07:00\nz = 07:32:00\n" M, ALL},
    {"x = 1979-05-27 # c\n" M, ALL},
    {"x = 07:32\n" M, V2},
    {"x = 1979-05-27 07:32\n" M, V2},
    {"x = 1979-02-30\n" M, V2},
    {"x = [1979-05-27T07:32:00Z, 07:32:00]\n" M, ALL},
    {"1979-05-27 = 1\nx = {a = 1, 1979-05-27 = 3}\n" M, ALL},
    {"server = 1979-05-27\n" M, NONE},
    /* types, also of keys that only some versions know */
    {M "dial_timeout = 3\n", V1},
    {M "skip_verify = \"true\"\n", NONE},
    {M "skip_verify = True\n", NONE},
    {"server: \"https://m.example\"\n" M, NONE},
    {"{\"host\": {}}\n", NONE},
    {"x = \"abc\n" M, NONE},
    {M "x = [1, 2\n", NONE},
    {M "x = {y = 1\n", NONE},
};

static bool parse(const struct row *row, const char *version, struct hosts_toml *file,
                  struct arena *arena, struct error *err)
{
    struct hosts_rules rules = daemon_hosts_rules(version);

    return hosts_toml_parse(row->toml, row->size ? row->size : strlen(row->toml), &rules, arena,
                            file, err);
}

static void check(const struct row *row, const char *version, bool reads)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 20);
    struct hosts_toml file;
    struct error err;
    bool ok = parse(row, version, &file, &arena, &err);

    if (ok != reads)
        fail_msg("%s: containerd %s %s it: %s", row->toml, version, reads ? "reads" : "drops",
                 ok ? "read" : err.message);
    if (!ok) {
        assert_int_equal(err.code, ERROR_INVALID);
        assert_non_null(strstr(err.message, "line "));
        return;
    }
    assert_int_equal(file.count, 1);
    assert_string_equal(file.hosts[0].name, "https://m.example");
    assert_true(file.hosts[0].by_header);
}

static void reads_what_each_version_reads(void **state)
{
    static const struct {
        const char *version;
        unsigned reader;
    } versions[] = {
        {"1.6.20~ds1", V1}, {"v1.7.24", V1},       {"v1.7.23-k3s2", V1}, {"v2.0.5-k3s1", V2_0},
        {"v2.1.9", V2_0},   {"v2.3.4", V2_0},      {"v2.4.0", V2_4},     {"v3.0.0", V2_4},
        {"", V2_4},         {"2.1.9+unknown", V2}, /* builds of distributions */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++)
            check(&rows[i], versions[v].version, rows[i].readers & versions[v].reader);
}

/* An escape in a header is no escape for go-toml 1. */
static void takes_headers_literally_like_go_toml_1(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 20);
    const struct row row = {"[host.\"https:\\u002f\\u002fm.example\"]\n", ALL};
    struct hosts_toml file;
    struct error err;

    (void)state;
    assert_true(parse(&row, "v1.7.24", &file, &arena, &err));
    assert_string_equal(file.hosts[0].name, "https:\\u002f\\u002fm.example");
    assert_true(parse(&row, "v2.1.0", &file, &arena, &err));
    assert_string_equal(file.hosts[0].name, "https://m.example");
}

static void tells_the_line(void **state)
{
    static const struct {
        const char *toml, *version, *place;
    } bad[] = {
        {"\xef\xbb\xbf" M, "v2.0.0",
         "line 1: invalid TOML: the file begins with a byte order mark"},
        {"\n# \xff\n" M, "v2.0.0", "line 2: "},
        {"x = {y = \"\"\"\na\n\"\"\", z = 1}\ny = \"\\x41\"\n" M, "v2.3.0", "line 4: "},
        {"x = {\ny = 1\n}\nz = ?\n" M, "v1.7.0", "line 4: "},
        {"x = {\r\ny = 1,\r\n}\r\n[z\n" M, "v2.4.0", "line 4: "},
        {"x = {\n\n\n y = [\n1,\n2]\n}\nserver = 5\n", "v1.7.0", "line 8: "},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 20);
        const struct row row = {bad[i].toml, NONE};
        struct hosts_toml file;
        struct error err;

        assert_false(parse(&row, bad[i].version, &file, &arena, &err));
        if (!strstr(err.message, bad[i].place))
            fail_msg("%s: expected %s", err.message, bad[i].place);
    }
}

static void tells_where_toml_1_1_begins(void **state)
{
    static const struct {
        const char *toml;
        unsigned line;
    } files[] = {
        {M, 0},
        {"x = 1\ny = \"\\x41\"\n" M, 2},
        {"x = {\n}\ny = {z = 1,}\n" M, 1},
        {"x = {y = \"\\e\"}\n" M, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 20);
        const struct row row = {files[i].toml, V2};
        struct hosts_toml file;
        struct error err;

        assert_true(parse(&row, "2.1.9", &file, &arena, &err));
        assert_int_equal(file.newest_line, files[i].line);
    }
}

/* What the parsers put in the place of characters that they do not know. */
static void replaces_like_go_toml_1(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 20);
    const struct row row = {M "header = {x = \"a\\/\\ud800\xe9\\U00110000\"}\n", V1};
    struct hosts_toml file;
    struct error err;

    (void)state;
    assert_true(parse(&row, "1.7.24", &file, &arena, &err));
    assert_string_equal(file.hosts[0].headers[0], "x: a/\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_each_version_reads),
        cmocka_unit_test(takes_headers_literally_like_go_toml_1),
        cmocka_unit_test(tells_the_line),
        cmocka_unit_test(tells_where_toml_1_1_begins),
        cmocka_unit_test(replaces_like_go_toml_1),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
