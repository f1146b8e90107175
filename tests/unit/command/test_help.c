/* SPDX-License-Identifier: Apache-2.0 */
/* A table of flags as --help, as manual page and as shell completion. */
#include "command/terminal/help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const levels[] = {"debug", "info", NULL};
static const char *file, *level = "info";
static uint64_t workers = 4;
static struct flag_list addresses, names;
static bool quick, help;

static const struct flag flags[] = {
    {"First", FLAG_HEADING},
    {"config.file", FLAG_STRING, &file, "FILE", "The file."},
    {"log.level", FLAG_CHOICE, &level, NULL, "How much.", levels},
    {"workers", FLAG_UINT, &workers, NULL, "How many. More are faster."},
    {"Second", FLAG_HEADING},
    {"web.listen-address", FLAG_LIST, &addresses, ":1",
     "Where, which takes more than one line of a terminal that is as narrow as usual."},
    {"quick", FLAG_SWITCH, &quick, NULL, ".dot and \\ slash."},
    {"help", FLAG_ACTION, &help, NULL, "This.", .letter = 'h'},
    {"NAME", FLAG_WORDS, &names, NULL, "Whom."},
    {0},
};

static void help_wraps_at_80_columns(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);

    (void)state;
    help_flags(flags, &out);
    assert_string_equal(out.data,
                        "First:\n"
                        "      --config.file=FILE      The file.\n"
                        "      --log.level=info        How much. One of: debug, info.\n"
                        "      --workers=4             How many. More are faster.\n"
                        "\n"
                        "Second:\n"
                        "      --web.listen-address=:1 ...\n"
                        "                              Where, which takes more than one line of a\n"
                        "                              terminal that is as narrow as usual.\n"
                        "      --[no-]quick            .dot and \\ slash.\n"
                        "  -h, --help                  This.\n"
                        "  NAME                        Whom.\n");
    for (const char *line = out.data; *line; line = strchr(line, '\n') + 1)
        assert_true(strcspn(line, "\n") <= 80);
}

static void table_without_heading_gets_one(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);

    (void)state;
    help_flags(flags + 7, &out);
    assert_string_equal(out.data, "Flags:\n"
                                  "  -h, --help                  This.\n"
                                  "  NAME                        Whom.\n");
}

static void help_text_keeps_paragraphs(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);

    (void)state;
    help_text("one two\n\nthree", 2, &out);
    assert_string_equal(out.data, "one two\n\n  three\n");
    buf_clear(&out);
    help_text("", 2, &out);
    assert_string_equal(out.data, "\n");
}

static void manual_escapes_mdoc(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);

    (void)state;
    help_manual(flags, &out);
    assert_string_equal(out.data,
                        ".Ss First\n"
                        ".Bl -tag -width Ds\n"
                        ".It Fl -config.file Ns = Ns Ar FILE\n"
                        "The file.\n"
                        ".It Fl -log.level Ns = Ns Ar info\n"
                        "How much.\n"
                        "One of: debug, info.\n"
                        ".It Fl -workers Ns = Ns Ar 4\n"
                        "How many.\n"
                        "More are faster.\n"
                        ".El\n"
                        ".Ss Second\n"
                        ".Bl -tag -width Ds\n"
                        ".It Fl -web.listen-address Ns = Ns Ar :1 ...\n"
                        "Where, which takes more than one line of a terminal that is as narrow as\n"
                        "usual.\n"
                        ".It Fl -[no-]quick\n"
                        "\\&.dot and \\e slash.\n"
                        ".It Fl h , Fl -help\n"
                        "This.\n"
                        ".It Ar NAME\n"
                        "Whom.\n"
                        ".El\n");
}

static void completes_names_and_choices(void **state)
{
    static const struct {
        const char *previous, *word, *want;
    } rows[] = {
        {NULL, "--w", "--workers\n--web.listen-address\n"},
        {NULL, "--config.file", "--config.file\n"},
        {NULL, "-",
         "--config.file\n--log.level\n--workers\n--web.listen-address\n--quick\n--help\n"},
        {"--quick", "--h", "--help\n"},
        {NULL, "--no-", "--no-quick\n"},
        {NULL, "--no-h", ""},
        {"--log.level", "", "debug\ninfo\n"},
        {"--log.level", "d", "debug\n"},
        {NULL, "--log.level=i", "--log.level=info\n"},
        {NULL, "--log.level=x", ""},
        {NULL, "--nothing=", ""},
        {"--config.file", "", ""},
        {"--config.file", "--w", ""},
        {"--quick", "word", ""},
        {NULL, "-x", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);

        help_complete(flags, rows[i].previous, rows[i].word, &out);
        assert_string_equal(out.data ? out.data : "", rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_wraps_at_80_columns),
        cmocka_unit_test(table_without_heading_gets_one),
        cmocka_unit_test(help_text_keeps_paragraphs),
        cmocka_unit_test(manual_escapes_mdoc),
        cmocka_unit_test(completes_names_and_choices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
