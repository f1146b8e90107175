/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing of command lines in the syntax of Prometheus exporters. */
#include "command/terminal/flags.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGS_MAX   100
#define LINE_BYTES 4096

struct options {
    const char *file, *level;
    uint64_t workers;
    struct flag_list addresses;
    bool check, quick, help;
    enum flag_state images;
    const char *format;
    struct flag_list words;
};

static struct options options;

static const char *const formats[] = {"logfmt", "json", NULL};

static const struct flag flags[] = {
    {"config.file", FLAG_STRING, &options.file, "FILE", "The file."},
    {"log.level", FLAG_STRING, &options.level, NULL, "How much."},
    {"workers", FLAG_UINT, &options.workers, NULL, "How many."},
    {"web.listen-address", FLAG_LIST, &options.addresses, ":1", "Where. Repeatable."},
    {"check", FLAG_SWITCH, &options.check, NULL, "Look and leave."},
    {"quick", FLAG_SWITCH, &options.quick, NULL, "Hurry."},
    {"collector.images", FLAG_STATE, &options.images, NULL, "Images."},
    {"log.format", FLAG_CHOICE, &options.format, NULL, "How.", formats},
    {"help", FLAG_ACTION, &options.help, NULL, "This.", .letter = 'h'},
    {"names", FLAG_LIST, &options.words, "NAME", "Names.", .letter = 'n'},
    {0},
};

/* Parses the words of `line`; options start from their defaults. */
static bool parse(const char *line, struct error *err)
{
    static char text[LINE_BYTES];
    char *argv[ARGS_MAX] = {text}, *rest = text, *word;
    int argc = 1;

    options = (struct options){.level = "info", .format = "logfmt", .workers = 4, .quick = true};
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

static void sets_and_negates_switches(void **state)
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

static void collects_values_of_repeated_flags(void **state)
{
    char line[LINE_BYTES] = "";
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
    assert_string_equal(err.message, "flag --web.listen-address: given more than 64 times");
}

static void reports_what_is_wrong(void **state)
{
    static const struct {
        const char *line, *want;
    } rows[] = {
        {"--nonsense", "unknown long flag '--nonsense', try --help"},
        {"--nonsense=1", "unknown long flag '--nonsense', try --help"},
        {"--config.fil x",
         "unknown long flag '--config.fil', try --help (did you mean \"config.file\"?)"},
        {"--config.files x",
         "unknown long flag '--config.files', try --help (did you mean \"config.file\"?)"},
        {"--colector.imges",
         "unknown long flag '--colector.imges', try --help (did you mean \"collector.images\"?)"},
        {"-- --check", "unexpected argument \"--check\", try --help"},
        {"--=x", "unknown long flag '--', try --help"},
        {"--no-", "unknown long flag '--no-', try --help"},
        {"--no-workers", "unknown long flag '--no-workers', try --help"},
        {"--no-help", "unknown long flag '--no-help', try --help"},
        {"--no-no-quick", "unknown long flag '--no-no-quick', try --help"},
        {"-x", "unknown short flag '-x', try --help"},
        {"-", "unknown short flag '-', try --help"},
        {"word", "unexpected argument \"word\", try --help"},
        {"--check word", "unexpected argument \"word\", try --help"},
        {"--config.file", "expected argument for flag '--config.file'"},
        {"--config.file --check", "expected argument for flag '--config.file'"},
        {"--config.file -h", "expected argument for flag '--config.file'"},
        {"--workers", "expected argument for flag '--workers'"},
        {"-n", "expected argument for flag '--names'"},
        {"-hn", "unknown short flag '-hn', try --help"},
        {"--check=1", "invalid value \"1\" of flag --check: expected on or off"},
        {"--no-check=on", "flag --no-check takes no value"},
        {"--help=on", "flag --help takes no value"},
        {"--log.format=xml", "invalid value \"xml\" of flag --log.format (known: logfmt, json)"},
        {"--log.format=jsn", "invalid value \"jsn\" of flag --log.format (did you mean \"json\"?)"},
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

static void distinguishes_unset_switches(void **state)
{
    struct error err;

    (void)state;
    assert_true(parse("", &err));
    assert_int_equal(options.images, FLAG_UNSET);
    assert_true(parse("--collector.images", &err));
    assert_int_equal(options.images, FLAG_ON);
    assert_true(parse("--collector.images --no-collector.images", &err));
    assert_int_equal(options.images, FLAG_OFF);
    assert_true(parse("--collector.images=off --check=on --quick=false", &err));
    assert_int_equal(options.images, FLAG_OFF);
    assert_true(options.check && !options.quick);
}

static void takes_short_names(void **state)
{
    struct error err;

    (void)state;
    assert_true(parse("-n a -nb --names c", &err));
    assert_int_equal(options.words.count, 3);
    assert_string_equal(options.words.items[1], "b");
}

static void collects_positional_arguments(void **state)
{
    static struct flag_list words;
    static bool all;
    static const struct flag table[] = {
        {"all", FLAG_SWITCH, &all, NULL, "All."},
        {"NAME", FLAG_WORDS, &words, NULL, "Names."},
        {0},
    };
    const char *argv[] = {"prog", "one", "--all", "two", "--", "--all", "-x", NULL};
    struct error err;

    (void)state;
    assert_true(flags_parse(table, 7, (char **)argv, &err));
    assert_true(all);
    assert_int_equal(words.count, 4);
    assert_string_equal(words.items[0], "one");
    assert_string_equal(words.items[2], "--all");
    argv[2] = "--NAME";
    assert_false(flags_parse(table, 7, (char **)argv, &err));
}

/* ---- @file ---- */

static const char *file_of(const char *text)
{
    static char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "@/tmp/test_flags.%d", (int)getpid());
    file = fopen(path + 1, "w");
    assert_non_null(file);
    assert_true(fwrite(text, 1, strlen(text), file) == strlen(text));
    fclose(file);
    return path;
}

static bool expand(const char *text, struct arguments *arguments, struct arena *arena,
                   struct error *err)
{
    const char *argv[] = {"prog", "-a", file_of(text), "@", "--", "@/none", NULL};
    bool ok = arguments_expand(arguments, 6, (char **)argv, arena, err);

    unlink(argv[2] + 1);
    return ok;
}

static void reads_arguments_from_a_file(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    static const char *const want[] = {"prog", "-a", "--x=a b", "--y", "@", "--", "@/none"};
    struct arguments arguments;
    struct error err;

    (void)state;
    assert_true(expand("# why\n--x=a b\r\n\n--y", &arguments, &arena, &err));
    assert_int_equal(arguments.count, 7);
    for (int i = 0; i < arguments.count; i++)
        assert_string_equal(arguments.items[i], want[i]);
    assert_null(arguments.items[7]);
}

static void rejects_bad_argument_files(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1 << 20);
    const char *argv[] = {"prog", "@/nowhere/at/all"};
    char many[2 * ARGUMENTS_MAX + 1];
    struct arguments arguments;
    struct error err;

    (void)state;
    assert_false(arguments_expand(&arguments, 2, (char **)argv, &arena, &err));
    assert_string_equal(err.message, "/nowhere/at/all: No such file or directory");
    assert_false(expand("--x\n@other\n", &arguments, &arena, &err));
    assert_non_null(strstr(err.message, "\"@other\": an argument file must not name another one"));
    for (size_t i = 0; i < sizeof(many) - 1; i++)
        many[i] = i % 2 ? '\n' : 'x';
    many[sizeof(many) - 1] = '\0';
    assert_false(expand(many, &arguments, &arena, &err));
    assert_non_null(strstr(err.message, "too many arguments: the limit is 512"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_defaults),
        cmocka_unit_test(takes_values_in_both_forms),
        cmocka_unit_test(sets_and_negates_switches),
        cmocka_unit_test(collects_values_of_repeated_flags),
        cmocka_unit_test(reports_what_is_wrong),
        cmocka_unit_test(distinguishes_unset_switches),
        cmocka_unit_test(takes_short_names),
        cmocka_unit_test(collects_positional_arguments),
        cmocka_unit_test(reads_arguments_from_a_file),
        cmocka_unit_test(rejects_bad_argument_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
