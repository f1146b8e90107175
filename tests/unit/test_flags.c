/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines as users of Prometheus' exporters write them. */
#include "base/flags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ARGS_MAX 40

struct options {
    const char *file, *level;
    uint64_t workers;
    struct flag_list addresses;
    bool check, quick, help;
};

static struct options options;

static const struct flag flags[] = {
    {"config.file", FLAG_STRING, &options.file, "FILE", "The file."},
    {"log.level", FLAG_STRING, &options.level, NULL, "How much."},
    {"workers", FLAG_UINT, &options.workers, NULL, "How many."},
    {"web.listen-address", FLAG_LIST, &options.addresses, ":1", "Where. Repeatable."},
    {"check", FLAG_SWITCH, &options.check, NULL, "Look and leave."},
    {"quick", FLAG_SWITCH, &options.quick, NULL, "Hurry."},
    {"help", FLAG_SWITCH, &options.help, NULL, "This."},
    {0},
};

/* Parses the words of `line`; options start from their defaults. */
static bool parse(const char *line, struct error *err)
{
    static char text[1024];
    char *argv[ARGS_MAX] = {text}, *rest = text, *word;
    int argc = 1;

    options = (struct options){.level = "info", .workers = 4, .quick = true};
    *err = (struct error){0};
    strncpy(text, line, sizeof(text) - 1);
    while ((word = strsep(&rest, " ")) && argc < ARGS_MAX)
        if (*word)
            argv[argc++] = word;
    return flags_parse(flags, argc, argv, err);
}

static void keeps_defaults(void **state)
{
    struct error err;

    (void)state;
    assert_true(parse("", &err));
    assert_null(options.file);
    assert_string_equal(options.level, "info");
    assert_int_equal(options.workers, 4);
    assert_int_equal(options.addresses.count, 0);
    assert_true(options.quick);
    assert_false(options.check || options.help);
}

static void takes_values_in_both_forms(void **state)
{
    struct error err;

    (void)state;
    assert_true(parse("--config.file=a=b --workers=0", &err));
    assert_string_equal(options.file, "a=b");
    assert_int_equal(options.workers, 0);
    assert_true(parse("--config.file a=b --workers 18446744073709551615", &err));
    assert_string_equal(options.file, "a=b");
    assert_true(options.workers == UINT64_MAX);
    assert_true(parse("--config.file= --log.level debug", &err));
    assert_string_equal(options.file, "");
    assert_string_equal(options.level, "debug");
    assert_true(parse("--config.file - --log.level=--odd", &err));
    assert_string_equal(options.file, "-");
    assert_string_equal(options.level, "--odd");
    assert_true(parse("--log.level a --log.level b", &err));
    assert_string_equal(options.level, "b");
}

static void turns_switches_on_and_off(void **state)
{
    struct error err;

    (void)state;
    assert_true(parse("--check --no-quick", &err));
    assert_true(options.check);
    assert_false(options.quick);
    assert_true(parse("--check --no-check --quick", &err));
    assert_false(options.check);
    assert_true(options.quick);
    assert_true(parse("-h", &err));
    assert_true(options.help);
    assert_true(parse("--help", &err));
    assert_true(options.help);
}

static void collects_what_is_repeatable(void **state)
{
    char line[1024] = "";
    struct error err;

    (void)state;
    assert_true(parse("--web.listen-address=:1 --web.listen-address [::1]:2", &err));
    assert_int_equal(options.addresses.count, 2);
    assert_string_equal(options.addresses.items[0], ":1");
    assert_string_equal(options.addresses.items[1], "[::1]:2");
    for (int i = 0; i < FLAG_VALUES_MAX; i++)
        strcat(line, "--web.listen-address=:1 ");
    assert_true(parse(line, &err));
    assert_int_equal(options.addresses.count, FLAG_VALUES_MAX);
    strcat(line, "--web.listen-address=:1");
    assert_false(parse(line, &err));
    assert_string_equal(err.message, "flag --web.listen-address: at most 16 times");
}

static void says_what_is_wrong(void **state)
{
    static const struct {
        const char *line, *want;
    } rows[] = {
        {"--nonsense", "unknown long flag '--nonsense', try --help"},
        {"--nonsense=1", "unknown long flag '--nonsense', try --help"},
        {"--config.fil x", "unknown long flag '--config.fil', try --help"},
        {"--config.files x", "unknown long flag '--config.files', try --help"},
        {"--", "unknown long flag '--', try --help"},
        {"--=x", "unknown long flag '--', try --help"},
        {"--no-", "unknown long flag '--no-', try --help"},
        {"--no-workers", "unknown long flag '--no-workers', try --help"},
        {"--no-no-quick", "unknown long flag '--no-no-quick', try --help"},
        {"-x", "unknown short flag '-x', try --help"},
        {"-", "unknown short flag '-', try --help"},
        {"word", "unexpected word, try --help"},
        {"--check word", "unexpected word, try --help"},
        {"--config.file", "expected argument for flag '--config.file'"},
        {"--config.file --check", "expected argument for flag '--config.file'"},
        {"--config.file -h", "expected argument for flag '--config.file'"},
        {"--workers", "expected argument for flag '--workers'"},
        {"--check=true", "flag --check takes no value"},
        {"--no-check=1", "flag --check takes no value"},
        {"--workers=", "flag --workers: \"\" is not a whole number such as 0 or 42"},
        {"--workers=4x", "flag --workers: \"4x\" is not a whole number such as 0 or 42"},
        {"--workers=18446744073709551616", "flag --workers: \"18446744073709551616\" is too large"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err;

        assert_false(parse(rows[i].line, &err));
        assert_string_equal(err.message, rows[i].want);
        assert_int_equal(err.code, ERROR_INVALID);
    }
}

static void explains_itself(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);
    struct error err;

    (void)state;
    assert_true(parse("", &err));
    flags_help(flags, "prog", "Does things.", &out);
    assert_true(buf_ok(&out, &err));
    assert_string_equal(out.data, "usage: prog [<flags>]\n"
                                  "\n"
                                  "Does things.\n"
                                  "\n"
                                  "Flags:\n"
                                  "      --config.file=FILE          The file.\n"
                                  "      --log.level=info            How much.\n"
                                  "      --workers=4                 How many.\n"
                                  "      --web.listen-address=:1     Where. Repeatable.\n"
                                  "      --[no-]check                Look and leave.\n"
                                  "      --[no-]quick                Hurry.\n"
                                  "  -h, --help                      This.\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_defaults),
        cmocka_unit_test(takes_values_in_both_forms),
        cmocka_unit_test(turns_switches_on_and_off),
        cmocka_unit_test(collects_what_is_repeatable),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(explains_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
