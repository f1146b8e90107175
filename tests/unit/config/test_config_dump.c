/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration shown is the configuration that is in force, without its secrets. */
#include "support/config_fixture.h"

#include "config/config_dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES ((size_t)64 << 10)

struct everything {
    const char *text, *password, *none;
    bool flag;
    uint64_t number, size;
    int64_t wait_ns;
    unsigned choice;
    struct setting_list list;
    struct setting_map map;
    const char *inner;
};

static const struct setting table[] = {
    SETTING(SETTING_STRING, struct everything, text, "text", NULL, ""),
    SETTING(SETTING_SECRET, struct everything, password, "auth.password", "", ""),
    SETTING(SETTING_BOOL, struct everything, flag, "flag", "false", ""),
    SETTING(SETTING_STRING, struct everything, inner, "auth.user", "", ""),
    SETTING(SETTING_UINT, struct everything, number, "number", "0", ""),
    SETTING(SETTING_BYTES, struct everything, size, "size", "1MiB", ""),
    SETTING(SETTING_DURATION, struct everything, wait_ns, "wait", "1s", ""),
    SETTING_CHOICE(struct everything, choice, "choice", cold_choices, "no", ""),
    SETTING(SETTING_LIST, struct everything, list, "list", "", ""),
    SETTING(SETTING_MAP, struct everything, map, "map", "", ""),
    SETTING(SETTING_STRING, struct everything, none, "none", "", ""),
    {0},
};

static void assert_shown(const struct everything *everything, const char *expected)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(TEXT_BYTES);

    config_dump_settings(&(struct config_dump){.out = &out}, table, everything);
    assert_string_equal(out.data, expected);
}

static void shows_every_type_and_no_secret(void **state)
{
    static const char *const items[] = {"a", "b c"}, *const names[] = {"x"};

    (void)state;
    assert_shown(&(struct everything){.text = "docker.io/library/busybox:1.31@sha256:ab",
                                      .password = "geheim",
                                      .none = "",
                                      .flag = true,
                                      .number = 7,
                                      .size = 3 << 20,
                                      .wait_ns = 90061 * NS_PER_SECOND + 5 * NS_PER_MS,
                                      .choice = 2,
                                      .list = {items, 2},
                                      .map = {names, items, 1},
                                      .inner = "me"},
                 "text: docker.io/library/busybox:1.31@sha256:ab\n"
                 "auth:\n  password: \"<secret>\"\n  user: me\n"
                 "flag: true\nnumber: 7\nsize: 3MiB\nwait: 1d1h1m1s5ms\nchoice: \"no\"\n"
                 "list: [a, \"b c\"]\nmap: {x: a}\n");
}

static void leaves_out_empty_values_without_default(void **state)
{
    (void)state;
    assert_shown(&(struct everything){.text = "", .password = "", .none = "", .inner = ""},
                 "text: \"\"\nflag: false\nnumber: 0\nsize: 0\nwait: 0s\nchoice: required\n");
}

static void shows_empty_lists_and_mappings_that_replace_a_default(void **state)
{
    static const struct setting lists[] = {
        SETTING(SETTING_LIST, struct everything, list, "list", "[a]", ""),
        SETTING(SETTING_MAP, struct everything, map, "map", "{a: b}", ""),
        {0},
    };
    static const char *const names[] = {"x", "y"}, *const values[] = {"1", "z"};
    CLEANUP(buf_deinit) struct buf empty = BUF_INIT(TEXT_BYTES), two = BUF_INIT(TEXT_BYTES);

    (void)state;
    config_dump_settings(&(struct config_dump){.out = &empty}, lists, &(struct everything){0});
    assert_string_equal(empty.data, "list: []\nmap: {}\n");
    config_dump_settings(&(struct config_dump){.out = &two}, lists,
                         &(struct everything){.list = {values, 2}, .map = {names, values, 2}});
    assert_string_equal(two.data, "list: [\"1\", z]\nmap: {x: \"1\", \"y\": z}\n");
}

static void leaves_out_zero_if_that_is_the_default(void **state)
{
    static const struct setting zeros[] = {
        SETTING(SETTING_UINT, struct everything, number, "number", "", ""),
        SETTING(SETTING_BYTES, struct everything, size, "size", "", ""),
        SETTING(SETTING_DURATION, struct everything, wait_ns, "wait", "", ""),
        SETTING(SETTING_BOOL, struct everything, flag, "flag", "", ""),
        {0},
    };
    CLEANUP(buf_deinit) struct buf zero = BUF_INIT(TEXT_BYTES), one = BUF_INIT(TEXT_BYTES);

    (void)state;
    config_dump_settings(&(struct config_dump){.out = &zero}, zeros, &(struct everything){0});
    assert_string_equal(zero.data, "flag: false\n");
    config_dump_settings(&(struct config_dump){.out = &one}, zeros,
                         &(struct everything){.number = 1, .size = 1, .wait_ns = NS_PER_MS});
    assert_string_equal(one.data, "number: 1\nsize: 1\nwait: 1ms\nflag: false\n");
}

static void quotes_texts_that_are_not_plain_strings(void **state)
{
    static const char *const rows[][2] = {
        {"true", "\"true\""},
        {"No", "\"No\""},
        {"17", "\"17\""},
        {"a: b", "\"a: b\""},
        {"a:", "\"a:\""},
        {"a #b", "\"a #b\""},
        {"~", "\"~\""},
        {"\"", "\"\\\"\""},
        {"\\", "\"\\\\\""},
        {"a\nb\x7f", "\"a\\x0ab\\x7f\""},
        {"${HOME}", "\"$${HOME}\""},
        {"*", "\"*\""},
        {"/run/c.sock", "/run/c.sock"},
        {"a:b", "a:b"},
        {"a::b", "a::b"},
        {"zZ09_./@+-", "zZ09_./@+-"},
        {"0a", "\"0a\""},
        {"", "\"\""},
        {"off", "\"off\""},
        {"n", "\"n\""},
        {"nn", "nn"},
        {"a\x1f ~", "\"a\\x1f ~\""},
        {"$a{", "\"$a{\""},
    };

    static const struct setting words[] = {{SETTING_STRING, "k"}, {0}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(TEXT_BYTES);

        config_dump_settings(&(struct config_dump){.out = &out}, words, &rows[i][0]);
        assert_memory_equal(out.data, "k: ", 3);
        out.data[out.size - 1] = '\0';
        assert_string_equal(out.data + 3, rows[i][1]);
    }
}

static void prints_numbers_with_the_largest_units(void **state)
{
    static const struct {
        int64_t number;
        const char *duration, *size;
    } rows[] = {
        {1024, "0s", "1KiB"},
        {1023, "0s", "1023"},
        {1025, "0s", "1025"},
        {1536 << 10, "1ms", "1536KiB"},
        {INT64_C(1) << 30, "1s73ms", "1GiB"},
        {INT64_C(1) << 40, "18m19s511ms", "1TiB"},
        {INT64_C(1) << 50, "13d44m59s906ms", "1024TiB"},
        {NS_PER_MS, "1ms", "1000000"},
        {NS_PER_SECOND, "1s", "1000000000"},
        {60 * NS_PER_SECOND, "1m", NULL},
        {3600 * NS_PER_SECOND, "1h", NULL},
        {86400 * NS_PER_SECOND, "1d", NULL},
    };
    static const struct setting durations[] = {{SETTING_DURATION, "k"}, {0}};
    static const struct setting sizes[] = {{SETTING_BYTES, "k"}, {0}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(TEXT_BYTES);
        char want[64];

        if (rows[i].number >= NS_PER_MS) {
            config_dump_settings(&(struct config_dump){.out = &out}, durations, &rows[i].number);
            snprintf(want, sizeof(want), "k: %s\n", rows[i].duration);
            assert_string_equal(out.data, want);
        }
        buf_clear(&out);
        if (!rows[i].size)
            continue;
        config_dump_settings(&(struct config_dump){.out = &out}, sizes, &rows[i].number);
        snprintf(want, sizeof(want), "k: %s\n", rows[i].size);
        assert_string_equal(out.data, want);
    }
}

/* Prints the sections without a job, then the jobs as scheduler_config() does. */
static void show(const struct config *config, struct buf *out)
{
    struct config_dump inventory = {out, 4, false};

    buf_append(out, config->config_dump.data, config->config_dump.size);
    for (size_t i = 0; i < config->n_jobs; i++)
        if (config->jobs[i].collector->lane != LANE_PROBE) {
            config_dump_heading(&(struct config_dump){out, 2}, config->jobs[i].name);
            config_dump_job(&inventory, &config->jobs[i]);
        }
    config_dump_heading(&(struct config_dump){out}, "probes");
    for (size_t i = 0; i < config->n_jobs; i++)
        if (config->jobs[i].collector->lane == LANE_PROBE)
            config_dump_job(&(struct config_dump){out, 4, true}, &config->jobs[i]);
}

static void can_be_parsed_again_with_the_same_result(void **state)
{
    static const char text[] =
        "containerd: {address: /x/c.sock}\n"
        "collectors: {images: {interval: 40s, series: all, labels: {a: 'yes'}}}\n"
        "registries: {r: {plain_http: true, max_concurrent: 3}, '*': {}}\n"
        "probes:\n"
        "- {name: a, operation: pull, image: r/x, slow: 2m, labels: {team: '7'}}\n"
        "- {name: b, operation: push, image: 'r/{node}:1', schedule: '*/5 * * * *'}\n";
    CLEANUP(fixture_deinit) struct fixture first, second;
    CLEANUP(buf_deinit) struct buf shown = BUF_INIT(TEXT_BYTES), again = BUF_INIT(TEXT_BYTES);

    (void)state;
    parse_good(&first, text);
    show(&first.config, &shown);
    parse_good(&second, shown.data);
    show(&second.config, &again);
    assert_string_equal(shown.data, again.data);
    assert_non_null(strstr(shown.data, "  docker:\n    enabled: false\n"));
    assert_non_null(strstr(shown.data, "  r:\n    plain_http: true\n"));
    assert_non_null(strstr(shown.data, "    max_concurrent: 3\n"));
    assert_non_null(strstr(shown.data, "  - name: a\n    operation: pull\n    enabled: true\n"));
    assert_non_null(strstr(shown.data, "    schedule: \"*/5 * * * *\"\n    timeout: 2m\n"));
    assert_non_null(strstr(shown.data, "    image: \"r/{node}:1\"\n"));
}

static void shows_no_secret_of_a_registry(void **state)
{
    CLEANUP(fixture_deinit) struct fixture fixture;
    CLEANUP(buf_deinit) struct buf shown = BUF_INIT(TEXT_BYTES);

    (void)state;
    parse_good(&fixture, "registries: {r: {auth: {username: u, password: geheim}}}\n"
                         "probes: [{name: a, operation: pull, image: r/x}]\n");
    show(&fixture.config, &shown);
    assert_null(strstr(shown.data, "geheim"));
    assert_non_null(strstr(shown.data, "      username: u\n      password: \"<secret>\"\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_every_type_and_no_secret),
        cmocka_unit_test(leaves_out_empty_values_without_default),
        cmocka_unit_test(shows_empty_lists_and_mappings_that_replace_a_default),
        cmocka_unit_test(leaves_out_zero_if_that_is_the_default),
        cmocka_unit_test(quotes_texts_that_are_not_plain_strings),
        cmocka_unit_test(prints_numbers_with_the_largest_units),
        cmocka_unit_test(can_be_parsed_again_with_the_same_result),
        cmocka_unit_test(shows_no_secret_of_a_registry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
