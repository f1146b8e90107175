/* SPDX-License-Identifier: Apache-2.0 */
/* The tar that pushed layers are made of, read as tar(1) reads it; and that no two are alike. */
#include "engines/image/random_layer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BLOCK_BYTES    512
#define CHECKSUM_AT    148
#define CHECKSUM_BYTES 8
#define RANDOM_BYTES   ((size_t)1 << 16)

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
        assert_int_equal(RANDOM_LAYER_HEADER_BYTES + rows[i].file +
                             random_layer_tar_padding(rows[i].file),
                         total);
    }
}

/* The state that the reference implementations are tested with: 1, 2, 3, 4, in every lane. */
static void says_what_xoshiro256pp_says(void **state)
{
    static const uint64_t want[] = {
        41943041,
        58720359,
        3588806011781223,
        3591011842654386,
        UINT64_C(9228616714210784205),
        UINT64_C(9973669472204895162),
        UINT64_C(14011001112246962877),
        UINT64_C(12406186145184390807),
        UINT64_C(15849039046786891736),
        UINT64_C(10450023813501588000),
    };
    struct random_layer random_layer = {0};

    (void)state;
    for (size_t word = 0; word < 4; word++)
        for (size_t lane = 0; lane < RANDOM_LAYER_LANES; lane++)
            random_layer.state_[word][lane] = word + 1;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        uint64_t block[RANDOM_LAYER_LANES];

        random_layer_fill(&random_layer, block, sizeof(block));
        for (size_t lane = 0; lane < RANDOM_LAYER_LANES; lane++)
            assert_true(block[lane] == want[i]);
    }
}

/* One lane of it, and the seeding, written down once more as the papers have them. */
static uint64_t scrambled(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void starts_as_splitmix64_says(void **state)
{
    uint64_t zero = 0, seed = 42, number = 7, mixed;
    struct random_layer random_layer;

    (void)state;
    assert_true(scrambled(&zero) == UINT64_C(0xe220a8397b1dcdaf)); /* published */
    assert_true(scrambled(&zero) == UINT64_C(0x6e789e6aa1b965f4));
    random_layer_init(&random_layer, seed, number);
    mixed = scrambled(&seed) ^ scrambled(&number);
    for (size_t lane = 0; lane < RANDOM_LAYER_LANES; lane++)
        for (size_t word = 0; word < 4; word++)
            assert_true(random_layer.state_[word][lane] == scrambled(&mixed));
}

static void fills_as_much_as_it_is_told(void **state)
{
    struct random_layer random_layer;
    unsigned char data[100];

    (void)state;
    random_layer_init(&random_layer, 1, 0);
    random_layer_fill(&random_layer, data, 0);
    for (size_t size = 0; size <= 80; size++) {
        memset(data, 0xa5, sizeof(data));
        random_layer_fill(&random_layer, data, size);
        for (size_t i = size; i < sizeof(data); i++)
            assert_int_equal(data[i], 0xa5);
    }
}

static void says_the_same_in_pieces_of_any_size(void **state)
{
    static unsigned char whole[RANDOM_BYTES], pieces[RANDOM_BYTES];
    struct random_layer random_layer;

    (void)state;
    random_layer_init(&random_layer, 1, 2);
    random_layer_fill(&random_layer, whole, sizeof(whole));
    for (size_t step = 1; step < 3 * RANDOM_LAYER_BLOCK_BYTES; step++) {
        memset(pieces, 0, sizeof(pieces));
        random_layer_init(&random_layer, 1, 2);
        for (size_t at = 0; at < sizeof(pieces); at += step)
            random_layer_fill(&random_layer, pieces + at,
                              step < sizeof(pieces) - at ? step : sizeof(pieces) - at);
        assert_memory_equal(whole, pieces, sizeof(whole));
    }
}

static void never_says_the_same_twice(void **state)
{
    static unsigned char first[RANDOM_BYTES], second[RANDOM_BYTES];
    uint64_t seeds[] = {0, 0};
    struct random_layer random_layer;
    struct error err;

    (void)state;
    assert_true(random_layer_seed(&seeds[0], &err) && random_layer_seed(&seeds[1], &err));
    assert_true(seeds[0] != 0 && seeds[1] != 0 && seeds[0] != seeds[1]);
    random_layer_init(&random_layer, seeds[0], 0);
    random_layer_fill(&random_layer, first, sizeof(first));
    random_layer_fill(&random_layer, second, sizeof(second));
    assert_memory_not_equal(first, second, sizeof(first));
    random_layer_init(&random_layer, seeds[0], 1);
    random_layer_fill(&random_layer, second, sizeof(second));
    assert_memory_not_equal(first, second, sizeof(first));
    random_layer_init(&random_layer, seeds[1], 0);
    random_layer_fill(&random_layer, second, sizeof(second));
    assert_memory_not_equal(first, second, sizeof(first));
}

/* Every byte about as often as any other: so nothing is left for a compressor. The bounds
 * are ten standard deviations wide. */
static void looks_random(void **state)
{
    static unsigned char data[RANDOM_BYTES];
    size_t counts[256] = {0};
    struct random_layer random_layer;

    (void)state;
    random_layer_init(&random_layer, 1, 0);
    random_layer_fill(&random_layer, data, sizeof(data));
    for (size_t i = 0; i < sizeof(data); i++)
        counts[data[i]]++;
    for (size_t i = 0; i < 256; i++)
        assert_in_range(counts[i], 256 - 160, 256 + 160);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_header_that_adds_up),
        cmocka_unit_test(cuts_a_name_that_is_too_long),
        cmocka_unit_test(pads_to_whole_blocks_and_ends),
        cmocka_unit_test(says_what_xoshiro256pp_says),
        cmocka_unit_test(starts_as_splitmix64_says),
        cmocka_unit_test(fills_as_much_as_it_is_told),
        cmocka_unit_test(says_the_same_in_pieces_of_any_size),
        cmocka_unit_test(never_says_the_same_twice),
        cmocka_unit_test(looks_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
