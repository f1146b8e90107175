/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of generated layers: AES-128 in counter mode, the same for the same key. */
#include "oci/keystream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BYTES ((size_t)1 << 16)

static void fill(uint64_t key, uint64_t number, size_t step, unsigned char *out)
{
    struct error err;
    CLEANUP(keystream_freep) struct keystream *keystream = keystream_new(key, number, &err);

    assert_non_null(keystream);
    for (size_t at = 0; at < BYTES; at += step)
        keystream_fill(keystream, out + at, step < BYTES - at ? step : BYTES - at);
}

/* AES-128 of the blocks 0 and 1 with a key of zeros, as the test cases of GCM have them. */
static void gives_the_published_bytes(void **state)
{
    static const unsigned char want[] = {0x66, 0xe9, 0x4b, 0xd4, 0xef, 0x8a, 0x2c, 0x3b,
                                         0x88, 0x4c, 0xfa, 0x59, 0xca, 0x34, 0x2b, 0x2e,
                                         0x58, 0xe2, 0xfc, 0xce, 0xfa, 0x7e, 0x30, 0x61,
                                         0x36, 0x7f, 0x1d, 0x57, 0xa4, 0xe7, 0x45, 0x5a};
    static unsigned char got[BYTES];

    (void)state;
    fill(0, 0, BYTES, got);
    assert_memory_equal(got, want, sizeof(want));
}

/* FIPS 197 has no key with eight zeros at its end, so these bytes are those of `openssl enc`:
 * -aes-128-ctr -K 01020304050607080000000000000000 -iv 00000000000000090000000000000000 */
static void takes_all_of_key_and_number(void **state)
{
    static const unsigned char want[] = {0x12, 0xd6, 0x7f, 0xf8, 0x1e, 0x3c, 0x21, 0x74,
                                         0xc2, 0xa6, 0x82, 0xa6, 0x3f, 0xe4, 0x2b, 0x59};
    static unsigned char got[BYTES];

    (void)state;
    fill(UINT64_C(0x0102030405060708), 9, BYTES, got);
    assert_memory_equal(got, want, sizeof(want));
}

static void gives_the_same_in_pieces_of_any_size(void **state)
{
    static const size_t steps[] = {1, 15, 16, 17, 4095, 16384, 16385, 40000};
    static unsigned char whole[BYTES], pieces[BYTES];

    (void)state;
    fill(1, 2, BYTES, whole);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        memset(pieces, 0, sizeof(pieces));
        fill(1, 2, steps[i], pieces);
        assert_memory_equal(whole, pieces, BYTES);
    }
}

static void fills_no_more_than_asked_for(void **state)
{
    struct error err;
    CLEANUP(keystream_freep) struct keystream *keystream = keystream_new(1, 0, &err);
    unsigned char data[100];

    (void)state;
    for (size_t size = 0; size <= 80; size++) {
        memset(data, 0xa5, sizeof(data));
        keystream_fill(keystream, data, size);
        for (size_t i = size; i < sizeof(data); i++)
            assert_int_equal(data[i], 0xa5);
    }
}

static void differs_by_key_and_number(void **state)
{
    static unsigned char first[BYTES], second[BYTES];

    (void)state;
    fill(1, 0, BYTES, first);
    fill(1, 1, BYTES, second);
    assert_memory_not_equal(first, second, BYTES);
    fill(2, 0, BYTES, second);
    assert_memory_not_equal(first, second, BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_published_bytes),
        cmocka_unit_test(takes_all_of_key_and_number),
        cmocka_unit_test(gives_the_same_in_pieces_of_any_size),
        cmocka_unit_test(fills_no_more_than_asked_for),
        cmocka_unit_test(differs_by_key_and_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
