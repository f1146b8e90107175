/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4-128 as `openssl mac SipHash` computes it. */
#include "os/keyed_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void it_is_siphash(void **state)
{
    /* The key is 00 01 .. 0f, the text 00 01 02 and so on. */
    static const struct keyed_hash_key key = {
        {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)}};
    static const struct {
        size_t size;
        const char *hash;
    } rows[] = {
        {0, "a3817f04ba25a8e66df67214c7550293"},
        {1, "da87c1d86b99af44347659119b22fc45"},
        {16, "6ee2a4ca67b054bbfd3315bf85230577"},
        {63, "5150d1772f50834a503e069a973fbd7c"},
    };
    unsigned char text[63], hash[KEYED_HASH_BYTES];
    char digits[2 * KEYED_HASH_BYTES + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (unsigned char)i;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        keyed_hash(&key, text, rows[i].size, hash);
        for (size_t j = 0; j < KEYED_HASH_BYTES; j++)
            snprintf(digits + 2 * j, 3, "%02x", hash[j]);
        assert_string_equal(digits, rows[i].hash);
    }
}

static void no_two_keys_are_the_same(void **state)
{
    struct keyed_hash_key a, b;
    struct error err;

    (void)state;
    assert_true(keyed_hash_key_make(&a, &err));
    assert_true(keyed_hash_key_make(&b, &err));
    assert_memory_not_equal(&a, &b, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_siphash),
        cmocka_unit_test(no_two_keys_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
