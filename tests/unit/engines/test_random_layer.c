/* SPDX-License-Identifier: Apache-2.0 */
/* The tar around the bytes of a generated layer, read as tar(1) reads it. */
#include "engines/image/random_layer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BLOCK_BYTES    512
#define CHECKSUM_AT    148
#define CHECKSUM_BYTES 8

/* An octal field: digits, then NUL or space. */
static uint64_t octal(const unsigned char *field, size_t size)
{
    uint64_t value = 0;
    size_t i = 0;

    for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
        value = value * 8 + (uint64_t)(field[i] - '0');
    assert_in_range(i, 1, size - 1);
    assert_true(field[i] == '\0' || field[i] == ' ');
    return value;
}

static uint64_t checksum(const unsigned char *header)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < RANDOM_LAYER_HEADER_BYTES; i++)
        sum += i >= CHECKSUM_AT && i < CHECKSUM_AT + CHECKSUM_BYTES ? (unsigned)' ' : header[i];
    return sum;
}

static void writes_a_header_that_adds_up(void **state)
{
    static const uint64_t sizes[] = {0, 1, 511, 512, 513, 1 << 20, UINT64_C(077777777777)};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        unsigned char header[RANDOM_LAYER_HEADER_BYTES];

        memset(header, 0xee, sizeof(header));
        random_layer_tar_header(header, "random.bin", sizes[i]);
        assert_string_equal((char *)header, "random.bin");
        assert_int_equal(octal(header + 100, 8), 0644);
        assert_int_equal(octal(header + 108, 8), 0);
        assert_int_equal(octal(header + 116, 8), 0);
        assert_true(octal(header + 124, 12) == sizes[i]);
        assert_int_equal(octal(header + 136, 12), 0);
        assert_int_equal(octal(header + CHECKSUM_AT, CHECKSUM_BYTES), checksum(header));
        assert_int_equal(header[156], '0');
        assert_memory_equal(header + 257,
                            "ustar\0"
                            "00",
                            8);
        for (size_t rest = 345; rest < sizeof(header); rest++)
            assert_int_equal(header[rest], 0);
    }
}

static void cuts_a_name_that_is_too_long(void **state)
{
    unsigned char header[RANDOM_LAYER_HEADER_BYTES];
    char name[201];

    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    random_layer_tar_header(header, name, 1);
    assert_int_equal(strlen((char *)header), 99);
    assert_int_equal(octal(header + 100, 8), 0644);
    assert_int_equal(octal(header + CHECKSUM_AT, CHECKSUM_BYTES), checksum(header));
}

/* Header, whole blocks, two empty ones at the end. */
static void pads_to_whole_blocks_and_ends(void **state)
{
    static const struct {
        uint64_t file, blocks;
    } rows[] = {{0, 0}, {1, 1}, {511, 1}, {512, 1}, {513, 2}, {1024, 2}, {1025, 3}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t total = (1 + rows[i].blocks + 2) * BLOCK_BYTES;

        assert_int_equal(random_layer_tar_bytes(rows[i].file), total);
    }
}

static void seeds_differ(void **state)
{
    uint64_t seeds[] = {0, 0};
    struct error err;

    (void)state;
    assert_true(random_layer_seed(&seeds[0], &err) && random_layer_seed(&seeds[1], &err));
    assert_true(seeds[0] != 0 && seeds[1] != 0 && seeds[0] != seeds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_header_that_adds_up),
        cmocka_unit_test(cuts_a_name_that_is_too_long),
        cmocka_unit_test(pads_to_whole_blocks_and_ends),
        cmocka_unit_test(seeds_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
