/* SPDX-License-Identifier: Apache-2.0 */
/* What Go's decoder takes, and what it refuses. */
#include "client/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void decodes_what_is_padded(void **state)
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

static void refuses_the_rest(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_what_is_padded),
        cmocka_unit_test(refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
