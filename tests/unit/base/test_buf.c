/* SPDX-License-Identifier: Apache-2.0 */
/* A buf grows up to its limit, always ends with a NUL, and its first failure sticks. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* For the sanitizer: an allocation that is too large fails, as it does in malloc(). */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void appends_and_ends_with_nul(void **state)
{
    CLEANUP(buf_deinit) struct buf buf = BUF_INIT(1000);
    struct error err;

    (void)state;
    buf_append_str(&buf, "a");
    buf_append_char(&buf, 'b');
    buf_append(&buf, "\0c", 2);
    buf_printf(&buf, "%d-%s", 7, "x");
    assert_true(buf_ok(&buf, &err));
    assert_int_equal(buf.size, 7);
    assert_memory_equal(buf.data, "ab\0c7-x", 8);
    for (size_t i = 0; i < 100; i++)
        buf_printf(&buf, "%s", "123456");
    assert_int_equal(buf.size, 607);
    assert_int_equal(strlen(buf.data + 4), 603);
}

static void keeps_its_first_failure(void **state)
{
    CLEANUP(buf_deinit) struct buf buf = BUF_INIT(10);
    struct error err = {0};

    (void)state;
    buf_append_str(&buf, "1234567890");
    assert_true(buf_ok(&buf, &err));
    buf_append_char(&buf, 'x');
    buf_append_str(&buf, "");
    buf_printf(&buf, "%s", "");
    assert_false(buf_ok(&buf, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_string_equal(err.message, "more than 10 bytes");
    assert_string_equal(buf.data, "1234567890");
    buf_clear(&buf);
    assert_true(buf_ok(&buf, &err));
    buf_printf(&buf, "%s", "12345678901");
    assert_false(buf_ok(&buf, &err));
    assert_int_equal(buf.size, 0);
}

static void gives_its_contents_away(void **state)
{
    CLEANUP(buf_deinit) struct buf buf = BUF_INIT(10);
    CLEANUP(freep) char *data = NULL;

    (void)state;
    buf_append_str(&buf, "mine");
    data = buf_take(&buf);
    assert_string_equal(data, "mine");
    assert_null(buf.data);
    assert_int_equal(buf.limit_bytes, 10);
    buf_append_str(&buf, "again");
    assert_string_equal(buf.data, "again");
}

static void lends_room(void **state)
{
    CLEANUP(buf_deinit) struct buf buf = BUF_INIT(600);
    struct error err;
    char *room;

    (void)state;
    buf_append_str(&buf, "ab");
    room = buf_reserve(&buf, 500);
    assert_non_null(room);
    memset(room, 'x', 500);
    buf_commit(&buf, room + 3);
    assert_string_equal(buf.data, "abxxx");
    assert_int_equal(buf.size, 5);
    buf_commit(&buf, buf.data + 1); /* also backwards */
    assert_string_equal(buf.data, "a");
    assert_true(buf_ok(&buf, &err));
    assert_null(buf_reserve(&buf, 600));
    assert_false(buf_ok(&buf, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_null(buf_reserve(&buf, 1));
    assert_string_equal(buf.data, "a");
}

static void fails_as_its_writer_says(void **state)
{
    CLEANUP(buf_deinit) struct buf buf = BUF_INIT(10);
    struct error err = {0};

    (void)state;
    buf_append_str(&buf, "abc");
    buf_fail(&buf, ERROR_LIMIT);
    buf_fail(&buf, ERROR_MEMORY); /* the first failure stays */
    buf_append_str(&buf, "d");
    assert_false(buf_ok(&buf, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_string_equal(buf.data, "abc");
    buf_clear(&buf);
    assert_true(buf_ok(&buf, &err));
    buf_fail(&buf, ERROR_MEMORY);
    assert_false(buf_ok(&buf, &err));
    assert_int_equal(err.code, ERROR_MEMORY);
}

static void keeps_memory_up_to_a_size(void **state)
{
    CLEANUP(buf_deinit) struct buf buf = BUF_INIT(10000);
    const char *memory;

    (void)state;
    buf_append_str(&buf, "abc");
    memory = buf.data;
    assert_int_equal(buf.capacity_, 256);
    buf_clear_to(&buf, 256);
    assert_ptr_equal(buf.data, memory);
    assert_string_equal(buf.data, "");
    assert_int_equal(buf.size, 0);
    buf_append_str(&buf, "abc");
    buf_clear_to(&buf, 255);
    assert_null(buf.data);
    assert_int_equal(buf.capacity_, 0);
    assert_int_equal(buf.limit_bytes, 10000);
    buf_clear(&buf); /* without memory */
    assert_null(buf.data);
}

static void doubles_its_memory(void **state)
{
    CLEANUP(buf_deinit) struct buf buf = BUF_INIT(10000);
    char text[2000] = {0};

    (void)state;
    buf_append(&buf, text, 255); /* and a NUL */
    assert_int_equal(buf.capacity_, 256);
    buf_append_char(&buf, 'x');
    assert_int_equal(buf.capacity_, 512);
    buf_append(&buf, text, sizeof(text));
    assert_int_equal(buf.capacity_, 4096);
    assert_int_equal(buf.size, 2256);
    assert_int_equal(buf.data[buf.size], '\0');
    assert_int_equal(buf.data[255], 'x');
}

static void a_secret_keeps_its_contents_when_it_grows(void **state)
{
    struct buf buf = {.limit_bytes = 10000, .secret = true};
    char text[600];
    CLEANUP(freep) char *data = NULL;

    (void)state;
    memset(text, 'y', sizeof(text));
    buf_append_str(&buf, "token");
    buf_append(&buf, text, sizeof(text));
    buf_append(&buf, text, sizeof(text));
    assert_int_equal(buf.size, 1205);
    assert_memory_equal(buf.data, "tokeny", 6);
    assert_int_equal(buf.data[1204], 'y');
    data = buf_take(&buf);
    assert_true(buf.secret);
    assert_int_equal(buf.size, 0);
}

static void reports_a_lack_of_memory(void **state)
{
    static const bool secret[] = {false, true};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(buf_deinit) struct buf buf = {.limit_bytes = SIZE_MAX / 2, .secret = secret[i]};
        struct error err = {0};

        buf_append_str(&buf, "abc");
        assert_null(buf_reserve(&buf, SIZE_MAX / 8));
        buf_append_str(&buf, "d");
        assert_false(buf_ok(&buf, &err));
        assert_int_equal(err.code, ERROR_MEMORY);
        assert_string_equal(err.message, "out of memory after 3 bytes");
        assert_string_equal(buf.data, "abc");
    }
}

static void appends_nothing(void **state)
{
    CLEANUP(buf_deinit) struct buf buf = BUF_INIT(0);
    struct error err;

    (void)state;
    buf_append(&buf, NULL, 0);
    assert_true(buf_ok(&buf, &err));
    assert_string_equal(buf.data, "");
    buf_append_char(&buf, 'x');
    assert_false(buf_ok(&buf, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_and_ends_with_nul),
        cmocka_unit_test(keeps_its_first_failure),
        cmocka_unit_test(gives_its_contents_away),
        cmocka_unit_test(lends_room),
        cmocka_unit_test(fails_as_its_writer_says),
        cmocka_unit_test(keeps_memory_up_to_a_size),
        cmocka_unit_test(doubles_its_memory),
        cmocka_unit_test(a_secret_keeps_its_contents_when_it_grows),
        cmocka_unit_test(reports_a_lack_of_memory),
        cmocka_unit_test(appends_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
