/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of protobuf: the bytes of both directions, and where reading stops. */
#include "base/varint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(text) (text), sizeof(text) - 1

static const struct {
    uint64_t value;
    const char *bytes;
    size_t size;
} numbers[] = {
    {0, BYTES("\x00")},
    {1, BYTES("\x01")},
    {127, BYTES("\x7f")},
    {128, BYTES("\x80\x01")},
    {300, BYTES("\xac\x02")},
    {16383, BYTES("\xff\x7f")},
    {16384, BYTES("\x80\x80\x01")},
    {UINT64_C(1) << 62, BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x40")},
    {UINT64_C(1) << 63, BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")},
    {UINT64_MAX, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")},
};

#define N_NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static void writes_the_shortest_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NUMBERS; i++) {
        char bytes[VARINT_BYTES_MAX + 1];

        memset(bytes, '#', sizeof(bytes));
        assert_ptr_equal(varint_write(bytes, numbers[i].value), bytes + numbers[i].size);
        assert_memory_equal(bytes, numbers[i].bytes, numbers[i].size);
        assert_int_equal(bytes[numbers[i].size], '#');
    }
}

static void reads_what_it_writes_and_no_further(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NUMBERS; i++) {
        char bytes[VARINT_BYTES_MAX + 1] = "";
        uint64_t value = ~numbers[i].value;

        memcpy(bytes, numbers[i].bytes, numbers[i].size);
        assert_ptr_equal(varint_read(bytes, bytes + sizeof(bytes), &value),
                         bytes + numbers[i].size);
        assert_true(value == numbers[i].value);
    }
}

static void refuses_a_number_that_does_not_end(void **state)
{
    static const char endless[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    uint64_t value;

    (void)state;
    assert_null(varint_read(endless, endless, &value));
    assert_null(varint_read(endless, endless + 3, &value));
    assert_null(varint_read(endless, endless + sizeof(endless) - 1, &value));
    for (size_t i = 0; i < N_NUMBERS; i++)
        assert_null(varint_read(numbers[i].bytes, numbers[i].bytes + numbers[i].size - 1, &value));
}

static void reads_forms_that_are_longer_than_needed(void **state)
{
    static const char padded[] = "\x81\x80\x00",
                      overlong[] = "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f";
    uint64_t value;

    (void)state;
    assert_ptr_equal(varint_read(padded, padded + 3, &value), padded + 3);
    assert_int_equal(value, 1);
    assert_ptr_equal(varint_read(overlong, overlong + 10, &value), overlong + 10);
    assert_true(value == UINT64_C(1) << 63);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_shortest_form),
        cmocka_unit_test(reads_what_it_writes_and_no_further),
        cmocka_unit_test(refuses_a_number_that_does_not_end),
        cmocka_unit_test(reads_forms_that_are_longer_than_needed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
