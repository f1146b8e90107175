/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, durations and sizes: accepted and rejected texts, as tables; clean text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define NO           UINT64_MAX /* the text is refused */

struct number {
    const char *text;
    uint64_t want;
};

static const struct number numbers[] = {
    {"0", 0},
    {"42", 42},
    {"007", 7},
    {"18446744073709551614", UINT64_MAX - 1},
    {"18446744073709551616", NO},
    {"99999999999999999999999999", NO},
    {"", NO},
    {" 1", NO},
    {"1 ", NO},
    {"-1", NO},
    {"+1", NO},
    {"0x10", NO},
    {"1.0", NO},
    {"1e3", NO},
    {"1_000", NO},
    {"one", NO},
};

static void reads_whole_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(numbers); i++) {
        uint64_t value = NO;
        struct error err = {0};
        bool ok = text_uint(numbers[i].text, &value, &err);

        assert_int_equal(ok, numbers[i].want != NO);
        assert_int_equal(value, numbers[i].want);
        assert_int_equal(err.code, ok ? ERROR_NONE : ERROR_INVALID);
        if (!ok)
            assert_non_null(strstr(err.message, numbers[i].text));
    }
}

static const struct number durations[] = {
    {"0s", 0},
    {"0ms", 0},
    {"1ms", 1000000},
    {"250ms", 250000000},
    {"90s", 90 * UINT64_C(1000000000)},
    {"5m", 300 * UINT64_C(1000000000)},
    {"1h30m", 5400 * UINT64_C(1000000000)},
    {"1d", 86400 * UINT64_C(1000000000)},
    {"1d2h3m4s5ms", 93784005 * UINT64_C(1000000)},
    {"1m5ms", 60005 * UINT64_C(1000000)},
    {"100d", 8640000 * UINT64_C(1000000000)},
    {"9223372036s", 9223372036 * UINT64_C(1000000000)},
    {"9223372037s", NO},
    {"106752d", NO},
    {"99999999999999999999s", NO},
    {"106751d86400s86400s", NO},
    {"", NO},
    {"0", NO},
    {"5", NO},
    {"s", NO},
    {"5 s", NO},
    {" 5s", NO},
    {"5s ", NO},
    {"-5s", NO},
    {"1.5h", NO},
    {"5S", NO},
    {"5sec", NO},
    {"5us", NO},
    {"1w", 604800 * UINT64_C(1000000000)},
    {"1y", 31536000 * UINT64_C(1000000000)},
    {"1y2w3d4h5m6s7ms", 33019506007 * UINT64_C(1000000)},
    {"2d1w", NO},
    {"1w1y", NO},
    {"293y", NO},
    {"1W", NO},
    {"1.5w", NO},
    {"30s5m", NO},
    {"5m5m", NO},
    {"5m30", NO},
    {"1h-30m", NO},
};

static void reads_durations(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(durations); i++) {
        int64_t ns = -1;
        struct error err = {0};
        bool ok = text_duration_ns(durations[i].text, &ns, &err);

        assert_int_equal(ok, durations[i].want != NO);
        assert_int_equal(ns, ok ? (int64_t)durations[i].want : -1);
    }
}

static const struct number sizes[] = {
    {"0", 0},
    {"512", 512},
    {"512B", 512},
    {"64KiB", 65536},
    {"1MiB", 1048576},
    {"2GiB", UINT64_C(2147483648)},
    {"1TiB", UINT64_C(1099511627776)},
    {"10k", 10000},
    {"10kB", 10000},
    {"10M", 10000000},
    {"10MB", 10000000},
    {"1G", 1000000000},
    {"1GB", 1000000000},
    {"1T", UINT64_C(1000000000000)},
    {"1TB", UINT64_C(1000000000000)},
    {"16777215TiB", UINT64_C(16777215) << 40},
    {"16777216TiB", NO},
    {"99999999999999999999", NO},
    {"", NO},
    {"B", NO},
    {"-1", NO},
    {"2.2MB", 2200000},
    {"1.5GiB", UINT64_C(1610612736)},
    {"0.5KiB", 512},
    {"0.1KiB", 102}, /* 102.4 */
    {"0.3Ki", 307},
    {"0.0005kB", 1}, /* 0.5 */
    {"2.123456TB", UINT64_C(2123456000000)},
    {"2.1 MiB", 2202010},
    {"1 GiB", UINT64_C(1) << 30},
    {"1Ki", 1024},
    {"3Ti", UINT64_C(3) << 40},
    {"16777215.999999TiB", (UINT64_C(16777216) << 40) - 1099512},
    {"2.1234567MB", NO},
    {"1.5", NO},
    {"1.5B", NO},
    {"1.MB", NO},
    {".5MB", NO},
    {"1.5.5MB", NO},
    {"1,5MB", NO},
    {"1  GiB", NO},
    {"1 ", NO},
    {"1. MB", NO},
    {"1gib", NO},
    {"1KB", NO},
    {"1MiBB", NO},
    {"1MiB1", NO},
};

static void reads_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        uint64_t bytes = NO;
        struct error err = {0};

        assert_int_equal(text_bytes(sizes[i].text, &bytes, &err), sizes[i].want != NO);
        assert_int_equal(bytes, sizes[i].want);
    }
}

static void writes_sizes_as_ctr_does(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *want;
    } table[] = {
        {0, "0.0 B"},
        {1023, "1023.0 B"},
        {1024, "1.0 KiB"},
        {66355, "64.8 KiB"},
        {UINT64_C(1) << 30, "1.0 GiB"},
        {UINT64_MAX, "16.0 EiB"},
    };
    char out[32];

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        text_format_bytes(table[i].bytes, out, sizeof(out));
        assert_string_equal(out, table[i].want);
    }
}

#define BAD "\xef\xbf\xbd"

static const struct {
    const char *text, *want;
} dirty[] = {
    {"", ""},
    {"plain", "plain"},
    {"a\nb\tc\x7f", "a b c "},
    {"c\x7f", "c "},
    {"c~", "c~"},
    {"\x1b[31m", " [31m"},
    {"\xc3\xa9", "\xc3\xa9"},
    {"\xe2\x82\xac", "\xe2\x82\xac"},
    {"\xf0\x9f\x90\xb3", "\xf0\x9f\x90\xb3"},
    {"\xc2\x9b[31m", " [31m"},             /* CSI as one character */
    {"\xc2\xa0", "\xc2\xa0"},              /* no-break space is text */
    {"\x80", BAD},                         /* continuation alone */
    {"\xc0\xaf", BAD BAD},                 /* overlong slash */
    {"\xc1\xbf", BAD BAD},                 /* overlong */
    {"\xe0\x80\xaf", BAD BAD BAD},         /* overlong */
    {"\xe0\x9f\xbf", BAD BAD BAD},         /* overlong */
    {"\xed\xa0\x80", BAD BAD BAD},         /* surrogate */
    {"\xed\x9f\xbf", "\xed\x9f\xbf"},      /* last before the surrogates */
    {"\xf0\x8f\xbf\xbf", BAD BAD BAD BAD}, /* overlong */
    {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
    {"\xf4\x90\x80\x80", BAD BAD BAD BAD}, /* beyond U+10FFFF */
    {"\xf5\x80\x80\x80", BAD BAD BAD BAD},
    {"\xff", BAD},
    {"x\xe2\x82", "x" BAD BAD}, /* cut off */
    {"\xc3(", BAD "("},
};

static void cleans_text(void **state)
{
    char out[64];

    (void)state;
    for (size_t i = 0; i < COUNT(dirty); i++) {
        size_t n = text_clean(out, sizeof(out), dirty[i].text, strlen(dirty[i].text));

        assert_string_equal(out, dirty[i].want);
        assert_int_equal(n, strlen(dirty[i].want));
        assert_true(text_is_utf8(out, n));
        assert_int_equal(text_is_utf8(dirty[i].text, strlen(dirty[i].text)),
                         !strstr(dirty[i].want, BAD));
    }
    assert_int_equal(text_clean(out, sizeof(out), "a\0b", 3), 3);
    assert_string_equal(out, "a b");
}

static void cuts_between_characters(void **state)
{
    static const char *const want[] = {"", "", "a", "a", "a", "a\xe2\x82\xac", "a\xe2\x82\xac\x62"};
    char out[8];

    (void)state;
    memset(out, 'x', sizeof(out));
    assert_int_equal(text_clean(out, 0, "a", 1), 0);
    assert_int_equal(out[0], 'x');
    for (size_t size = 1; size < COUNT(want); size++) {
        text_clean(out, size, "a\xe2\x82\xac\x62", 5);
        assert_string_equal(out, want[size]);
    }
}

static void compares_words(void **state)
{
    (void)state;
    assert_true(text_equal_ignoring_case("Bearer realm", 6, "bearer"));
    assert_false(text_equal_ignoring_case("Bearer", 5, "bearer"));
    assert_false(text_equal_ignoring_case("Bearer", 6, "bear"));
    assert_true(text_starts_with("sha256:ab", "sha256:"));
    assert_true(text_starts_with("sha256:ab", ""));
    assert_false(text_starts_with("sha", "sha256:"));
    assert_true(text_ends_with("app.json", ".json"));
    assert_true(text_ends_with(".json", ".json"));
    assert_false(text_ends_with("json", ".json"));
    assert_false(text_ends_with("app.jsonx", ".json"));
}

/* Values of the reference implementation of FNV-1a. */
static void hashes_texts(void **state)
{
    (void)state;
    assert_true(text_hash(TEXT_HASH_INIT, "") == UINT64_C(0xcbf29ce484222325));
    assert_true(text_hash(TEXT_HASH_INIT, "a") == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(text_hash(TEXT_HASH_INIT, "foobar") == UINT64_C(0x85944171f73967e8));
    assert_true(text_hash(text_hash(TEXT_HASH_INIT, "foo"), "bar") == UINT64_C(0x85944171f73967e8));
}

static void says_that_a_unit_is_missing(void **state)
{
    uint64_t bytes;
    int64_t ns;
    struct error err = {0};

    (void)state;
    assert_false(text_duration_ns("15", &ns, &err));
    assert_string_equal(err.message, "\"15\" has no unit: expected a duration such as 15s or 15m");
    assert_false(text_duration_ns("1m15", &ns, &err));
    assert_string_equal(err.message, "\"1m15\" is not a duration such as 90s, 5m or 1h30m");
    assert_false(text_bytes("1.5", &bytes, &err));
    assert_string_equal(err.message,
                        "\"1.5\" has no unit: expected a size such as 1.5MiB or 1.5GB");
    assert_false(text_bytes("1.5B", &bytes, &err));
    assert_string_equal(err.message, "\"1.5B\" is not a size such as 512, 64KiB or 2.5GB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_whole_numbers),
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(reads_sizes),
        cmocka_unit_test(writes_sizes_as_ctr_does),
        cmocka_unit_test(cleans_text),
        cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(compares_words),
        cmocka_unit_test(hashes_texts),
        cmocka_unit_test(says_that_a_unit_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
