/* SPDX-License-Identifier: Apache-2.0 */
/* Suggestions for misspelled words. */
#include "encoding/suggest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_suggested(const struct suggest_words *words, const char *wrong,
                             const char *close, const char *any)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(10000);

    suggest_close(words, wrong, &out);
    assert_string_equal(out.data ? out.data : "", close);
    buf_clear(&out);
    buf_append_str(&out, "x");
    suggest(words, wrong, &out);
    assert_string_equal(out.data + 1, any);
}

static void suggests_close_words(void **state)
{
    static const char *const known[] = {"image", "platform", "a", "to", "abcdef"};
    static const struct {
        const char *wrong, *word; /* NULL: none is close */
    } rows[] = {
        {"image", "image"},
        {"imge", "image"},
        {"iimage", "image"},
        {"imege", "image"},
        {"ima", "image"},
        {"images_and_more", "image"},
        {"im", NULL},
        {"imgae", "image"},
        {"iamge", "image"},
        {"imgea", NULL},
        {"mgae", NULL},
        {"ot", "to"},
        {"plaftorm", "platform"},
        {"platfrom", "platform"},
        {"latfor", "platform"},
        {"pplattform", "platform"},
        {"plxtfrxm", NULL},
        {"atfor", NULL},
        {"b", NULL},
        {"tx", "to"},
        {"xo", "to"},
        {"xx", NULL},
        {"xbcdex", "abcdef"},
        {"xbxdex", NULL},
        {"", NULL},
        {"tto", "to"},
    };
    struct suggest_words words = {.count = 0};

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        suggest_add(&words, known[i]);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(buf_deinit) struct buf want = BUF_INIT(100);

        if (rows[i].word) {
            buf_printf(&want, " (did you mean \"%s\"?)", rows[i].word);
            assert_suggested(&words, rows[i].wrong, want.data, want.data);
        } else {
            assert_suggested(&words, rows[i].wrong, "", " (known: image, platform, a, to, abcdef)");
        }
    }
}

static void suggests_at_most_three_words(void **state)
{
    struct suggest_words words = {.count = 0};

    (void)state;
    assert_suggested(&words, "abc", "", "");
    suggest_add(&words, "abc1");
    suggest_add(&words, "abc2");
    suggest_add(&words, "abc1");
    assert_int_equal(words.count, 2);
    assert_suggested(&words, "abc", " (did you mean \"abc1\" or \"abc2\"?)",
                     " (did you mean \"abc1\" or \"abc2\"?)");
    suggest_add(&words, "abc3");
    suggest_add(&words, "abc4");
    assert_suggested(&words, "abc", " (did you mean \"abc1\" or \"abc2\" or \"abc3\"?)",
                     " (did you mean \"abc1\" or \"abc2\" or \"abc3\"?)");
}

static void ignores_words_beyond_the_limit(void **state)
{
    static char names[SUGGEST_WORDS_MAX + 1][8];
    struct suggest_words words = {.count = 0};

    (void)state;
    for (size_t i = 0; i <= SUGGEST_WORDS_MAX; i++) {
        names[i][0] = (char)('A' + i % 26);
        names[i][1] = (char)('A' + i / 26);
        suggest_add(&words, names[i]);
    }
    assert_int_equal(words.count, SUGGEST_WORDS_MAX);
    assert_ptr_equal(words.items[SUGGEST_WORDS_MAX - 1], names[SUGGEST_WORDS_MAX - 1]);
}

/* Words of 48 letters are compared, longer ones are not. */
static void ignores_long_words(void **state)
{
    char word[50], wrong[50];

    (void)state;
    for (size_t size = 48; size <= 49; size++) {
        struct suggest_words words = {.count = 0};
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(1000);

        memset(word, 'w', size);
        word[size] = '\0';
        strcpy(wrong, word);
        wrong[0] = 'x';
        suggest_add(&words, word);
        suggest_close(&words, wrong, &out);
        assert_int_equal(out.size > 0, size == 48);
        buf_clear(&out);
        wrong[48] = '\0';
        suggest_close(&words, wrong, &out);
        assert_int_equal(out.size > 0, size == 48);
        words.items[0] = wrong;
        buf_clear(&out);
        suggest_close(&words, word, &out);
        assert_int_equal(out.size > 0, size == 48);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suggests_close_words),
        cmocka_unit_test(suggests_at_most_three_words),
        cmocka_unit_test(ignores_words_beyond_the_limit),
        cmocka_unit_test(ignores_long_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
