/* SPDX-License-Identifier: Apache-2.0 */
/* External text stays text in HTML. */
#include "base/text.h"
#include "web/pages/html.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LIMIT_BYTES ((size_t)64 << 10)

static void is_text(const char *text, const char *want)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);

    html_text(&out, text);
    assert_string_equal(out.data ? out.data : "", want);
}

static void escapes_markup(void **state)
{
    (void)state;
    is_text("", "");
    is_text("plain", "plain");
    is_text("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;");
    is_text("a & b \"c\" 'd'", "a &amp; b &quot;c&quot; &#39;d&#39;");
    is_text("&lt;", "&amp;lt;");
}

static void replaces_control_and_bidi_characters(void **state)
{
    (void)state;
    is_text("a\nb\tc\x7f", "a b c ");
    is_text("a\xffz", "a\xef\xbf\xbdz");
    is_text("evil\xe2\x80\xae"
            "gpj.exe",
            "evil\xef\xbf\xbd"
            "gpj.exe");
    is_text("\xe2\x81\xa6x\xe2\x81\xa9\xd8\x9c\xe2\x80\x8f",
            "\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    is_text("\xe2\x80\x93 \xd7\x90 \xe2\x82\xac", "\xe2\x80\x93 \xd7\x90 \xe2\x82\xac");
}

static void cuts_long_texts_between_characters(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
    char text[10001];

    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof(text); i += 3)
            memcpy(text + i, "\xe2\x82\xac", 3);
        text[shift + (sizeof(text) - 1 - shift) / 3 * 3] = '\0';
        buf_clear(&out);
        html_text_part(&out, text, HTML_TEXT_MAX_BYTES / 3 * 3 - 3 + shift);
        assert_true(text_is_utf8(out.data, out.size));
        assert_null(strstr(out.data, "\xef\xbf\xbd"));
        buf_clear(&out);
        html_text(&out, text);
        assert_true(text_is_utf8(out.data, out.size));
        assert_in_range(out.size, HTML_TEXT_MAX_BYTES - 8, HTML_TEXT_MAX_BYTES + 16);
        assert_string_equal(out.data + out.size - 3, "\xe2\x80\xa6");
    }
}

static void escapes_attributes_and_queries(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);

    (void)state;
    html_attribute(&out, "title", "\" onload=\"x");
    assert_string_equal(out.data, " title=\"&quot; onload=&quot;x\"");
    buf_clear(&out);
    html_query(&out, "a b&c=d/\"<\xc3\xa4");
    assert_string_equal(out.data, "a%20b%26c%3Dd%2F%22%3C%C3%A4");
}

static void durations_have_one_or_two_units(void **state)
{
    static const struct {
        double seconds;
        const char *want;
    } rows[] = {
        {-1, "–"},
        {0, "0 s"},
        {0.0004, "&lt; 1 ms"},
        {0.0846, "85 ms"},
        {0.9999, "1 s"},
        {1.24, "1.2 s"},
        {1.99999, "2 s"},
        {9.96, "10 s"},
        {59.4, "59 s"},
        {59.6, "1 min"},
        {185, "3 min 5 s"},
        {3600, "1 h"},
        {11520, "3 h 12 min"},
        {90000, "1 d 1 h"},
        {3e6, "34 d"},
        {1e300, "11574074074 d"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);
        html_seconds(&out, rows[i].seconds);
        assert_string_equal(out.data, rows[i].want);
    }
}

static void moments_are_utc_and_relative(void **state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(LIMIT_BYTES);

    (void)state;
    html_time(&out, 1764000000, 1764000130.4);
    assert_string_equal(out.data, "<time datetime=\"2025-11-24T16:00:00Z\" "
                                  "title=\"2025-11-24T16:00:00Z\">2 min 10 s ago</time>");
    buf_clear(&out);
    html_time(&out, 1764000060, 1764000000);
    assert_non_null(strstr(out.data, ">in 1 min</time>"));
    buf_clear(&out);
    html_time(&out, 1764000000.5, 1764000000);
    assert_non_null(strstr(out.data, ">now</time>"));
    buf_clear(&out);
    html_moment(&out, 1e300);
    assert_string_equal(out.data, "9999-12-31T23:59:59Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_markup),
        cmocka_unit_test(replaces_control_and_bidi_characters),
        cmocka_unit_test(cuts_long_texts_between_characters),
        cmocka_unit_test(escapes_attributes_and_queries),
        cmocka_unit_test(durations_have_one_or_two_units),
        cmocka_unit_test(moments_are_utc_and_relative),
    };

    return cmocka_run_group_tests_name("html", tests, NULL, NULL);
}
