/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that Go's decoder accepts and rejects. */
#include "encoding/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void decodes_padded_text(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", ""},
        {"Zg==", "f"},
        {"Zm8=", "fo"},
        {"Zm9v", "foo"},
        {"Zm9vYg==", "foob"},
        {"Zm9v\r\nYmE=\n", "fooba"},
        {"+/+/", "\xfb\xff\xbf"},
        {"\nZg=\n=", "f"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[BASE64_ROOM_BYTES(16)];
        size_t size;
        assert_true(base64_decode(rows[i].text, out, &size));
        assert_int_equal(size, strlen(rows[i].want));
        assert_memory_equal(out, rows[i].want, size);
    }
}

static void rejects_invalid_text(void **state)
{
    static const char *const texts[] = {"Z",     "Zg",    "Zg=",      "Zm8",  "Zm9vY",
                                        "====",  "Zm9v=", "Zg==Zg==", "!!!!", "Zm 9v",
                                        "Zg===", "_-_-",  "Zm9v Zg=="};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char out[BASE64_ROOM_BYTES(16)];
        size_t size;
        assert_false(base64_decode(texts[i], out, &size));
    }
}

static void encodes_in_both_alphabets(void **state)
{
    static const struct {
        const char *bytes, *want, *want_for_url;
    } rows[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg=="},
        {"fo", "Zm8=", "Zm8="},
        {"foo", "Zm9v", "Zm9v"},
        {"user:pass", "dXNlcjpwYXNz", "dXNlcjpwYXNz"},
        {"\xfb\xff\xbf", "+/+/", "-_-_"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT(64);
        base64_append(&out, rows[i].bytes, strlen(rows[i].bytes), false);
        assert_string_equal(out.data ? out.data : "", rows[i].want);
        buf_clear(&out);
        base64_append(&out, rows[i].bytes, strlen(rows[i].bytes), true);
        assert_string_equal(out.data ? out.data : "", rows[i].want_for_url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_padded_text),
        cmocka_unit_test(rejects_invalid_text),
        cmocka_unit_test(encodes_in_both_alphabets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
