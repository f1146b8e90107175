/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the lowest floor: buf, arena, error, cancel, and the names of log levels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>

static void buf_appends_and_ends_with_nul(void **state)
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

static void buf_keeps_its_first_failure(void **state)
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
    assert_string_equal(buf.data, "1234567890");
    buf_clear(&buf);
    assert_true(buf_ok(&buf, &err));
    buf_printf(&buf, "%s", "12345678901");
    assert_false(buf_ok(&buf, &err));
    assert_int_equal(buf.size, 0);
}

static void buf_gives_its_contents_away(void **state)
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

static void buf_lends_room(void **state)
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

static void arena_gives_zeroed_aligned_memory(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 20);
    struct error err;

    (void)state;
    for (size_t size = 1; size < 300; size++) {
        unsigned char *bytes = arena_alloc(&arena, size);

        assert_non_null(bytes);
        assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(bytes[i], 0);
        memset(bytes, 0xff, size);
    }
    assert_non_null(arena_alloc(&arena, 100000));
    assert_string_equal(arena_strdup(&arena, "hello"), "hello");
    assert_string_equal(arena_strndup(&arena, "hello", 2), "he");
    assert_int_equal((uintptr_t)arena_alloc(&arena, 8) % _Alignof(max_align_t), 0);
    assert_true(arena_ok(&arena, &err));
}

static void arena_keeps_to_its_limit(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(1000);
    struct error err = {0};

    (void)state;
    assert_non_null(arena_alloc(&arena, 500));
    assert_null(arena_alloc(&arena, 501));
    assert_null(arena_alloc(&arena, 1));
    assert_null(arena_strdup(&arena, "x"));
    assert_false(arena_ok(&arena, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    arena_deinit(&arena);
    assert_true(arena_ok(&arena, &err));
    assert_non_null(arena_alloc(&arena, 500));
}

static void error_carries_code_status_and_words(void **state)
{
    struct error err = {0};

    (void)state;
    assert_false(error_status(&err, ERROR_SERVER_ERROR, STATUS_HTTP, 503, "status %d", 503));
    assert_int_equal(err.status, 503);
    assert_false(error_wrap(&err, "registry %s", "r.io"));
    assert_string_equal(err.message, "registry r.io: status 503");
    assert_int_equal(err.code, ERROR_SERVER_ERROR);
    assert_int_equal(err.status, 503);
    assert_false(error_set(&err, ERROR_TIMEOUT, "no answer"));
    assert_int_equal(err.status, 0);
    assert_false(error_memory(&err));
    assert_int_equal(err.code, ERROR_MEMORY);
}

static void expected_errors_are_cleared(void **state)
{
    struct error err;

    (void)state;
    error_status(&err, ERROR_NOT_FOUND, STATUS_GRPC, 5, "x");
    assert_true(error_has_status(&err, STATUS_GRPC, 5));
    assert_true(error_has_status(&err, STATUS_GRPC, ANY_STATUS));
    assert_false(error_is_expected(&err, STATUS_GRPC, 6));
    assert_false(error_is_expected(&err, STATUS_HTTP, 5));
    assert_false(error_is_expected_code(&err, ERROR_INVALID));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_true(error_is_expected(&err, STATUS_GRPC, 5));
    assert_int_equal(err.code, ERROR_NONE);
    assert_int_equal(err.status_kind, STATUS_NONE);
    assert_int_equal(err.status, 0);
    assert_string_equal(err.message, "");
    error_set(&err, ERROR_LIMIT, "x");
    assert_int_equal(err.status_kind, STATUS_NONE);
    assert_true(error_is_expected_code(&err, ERROR_LIMIT));
    assert_int_equal(err.code, ERROR_NONE);
}

static void error_translates_errno(void **state)
{
    static const struct {
        int errnum;
        enum error_code want;
    } table[] = {
        {ENOMEM, ERROR_MEMORY},   {ENOENT, ERROR_NOT_FOUND},  {EACCES, ERROR_FORBIDDEN},
        {EPERM, ERROR_FORBIDDEN}, {ETIMEDOUT, ERROR_TIMEOUT}, {ENOSPC, ERROR_NO_SPACE},
        {EDQUOT, ERROR_NO_SPACE}, {EIO, ERROR_INTERNAL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct error err = {0};

        assert_false(error_errno(&err, table[i].errnum, "open %s", "/x"));
        assert_int_equal(err.code, table[i].want);
        assert_ptr_equal(strstr(err.message, "open /x: "), err.message);
    }
}

static void error_survives_long_words(void **state)
{
    struct error err = {0};
    char text[2000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_false(error_set(&err, ERROR_INVALID, "%s", text));
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
    assert_false(error_wrap(&err, "%s", text));
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
}

static void every_error_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = 0; a < ERROR_CODES; a++) {
        assert_non_null(error_code_name((enum error_code)a));
        for (int b = 0; b < a; b++)
            assert_string_not_equal(error_code_name((enum error_code)a),
                                    error_code_name((enum error_code)b));
    }
    assert_string_equal(error_code_name(ERROR_NOT_COLD), "not_cold");
}

static void count_wake(void *arg)
{
    ++*(unsigned *)arg;
}

static void cancel_wakes_all_who_watch(void **state)
{
    struct cancel cancel;
    unsigned woken[3] = {0};
    struct cancel_watcher watchers[] = {
        {count_wake, &woken[0], NULL},
        {count_wake, &woken[1], NULL},
        {count_wake, &woken[2], NULL},
    };
    struct error err = {0};

    (void)state;
    cancel_init(&cancel, INT64_MAX);
    for (size_t i = 0; i < 3; i++)
        assert_true(cancel_watch(&cancel, &watchers[i], &err));
    cancel_unwatch(&cancel, &watchers[1]);
    cancel_unwatch(&cancel, &watchers[1]); /* not there: no harm */
    assert_true(cancel_check(&cancel, &err));
    assert_false(cancel_requested(&cancel));
    cancel_now(&cancel);
    assert_int_equal(woken[0], 1);
    assert_int_equal(woken[1], 0);
    assert_int_equal(woken[2], 1);
    assert_true(cancel_requested(&cancel));
    assert_false(cancel_check(&cancel, &err));
    assert_int_equal(err.code, ERROR_CANCELED);
    assert_false(cancel_watch(&cancel, &watchers[1], &err)); /* too late to block */
    cancel_unwatch(&cancel, &watchers[2]);
    cancel_unwatch(&cancel, &watchers[0]);
    cancel_deinit(&cancel);
}

struct sleeper {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool awake;
    struct cancel *cancel;
};

static void wake_sleeper(void *arg)
{
    struct sleeper *sleeper = arg;
    LOCK_SCOPE(&sleeper->lock);

    sleeper->awake = true;
    pthread_cond_signal(&sleeper->changed);
}

static void *sleep_until_woken(void *arg)
{
    struct sleeper *sleeper = arg;
    struct cancel_watcher watcher = {wake_sleeper, sleeper, NULL};
    struct error err;

    if (!cancel_watch(sleeper->cancel, &watcher, &err))
        return NULL;
    pthread_mutex_lock(&sleeper->lock);
    while (!sleeper->awake)
        pthread_cond_wait(&sleeper->changed, &sleeper->lock);
    pthread_mutex_unlock(&sleeper->lock);
    cancel_unwatch(sleeper->cancel, &watcher);
    return NULL;
}

static void cancel_wakes_other_threads(void **state)
{
    struct cancel cancel;
    struct sleeper sleepers[2];
    pthread_t threads[2];

    (void)state;
    cancel_init(&cancel, INT64_MAX);
    for (size_t i = 0; i < 2; i++) {
        sleepers[i] = (struct sleeper){.cancel = &cancel};
        pthread_mutex_init(&sleepers[i].lock, NULL);
        pthread_cond_init(&sleepers[i].changed, NULL);
        pthread_create(&threads[i], NULL, sleep_until_woken, &sleepers[i]);
    }
    cancel_now(&cancel);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        pthread_cond_destroy(&sleepers[i].changed);
        pthread_mutex_destroy(&sleepers[i].lock);
    }
    cancel_deinit(&cancel);
}

static void a_passed_deadline_is_a_timeout(void **state)
{
    struct cancel cancel;
    struct cancel_watcher watcher = {count_wake, NULL, NULL};
    struct error err = {0};

    (void)state;
    cancel_init(&cancel, clock_now_ns());
    assert_false(cancel_check(&cancel, &err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    assert_false(cancel_requested(&cancel));
    assert_false(cancel_watch(&cancel, &watcher, &err));
    cancel_now(&cancel); /* who was told to stop was not late */
    assert_false(cancel_check(&cancel, &err));
    assert_int_equal(err.code, ERROR_CANCELED);
    cancel_deinit(&cancel);
}

static void log_levels_have_names(void **state)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    enum log_level level = LOG_INFO;
    enum log_format format = LOG_JSON;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_true(log_level_parse(names[i], &level));
        assert_int_equal(level, i);
    }
    assert_false(log_level_parse("INFO", &level));
    assert_false(log_level_parse("", &level));
    assert_int_equal(level, LOG_ERROR);
    assert_true(log_format_parse("logfmt", &format));
    assert_int_equal(format, LOG_LOGFMT);
    assert_true(log_format_parse("json", &format));
    assert_false(log_format_parse("xml", &format));
    assert_int_equal(format, LOG_JSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_appends_and_ends_with_nul),
        cmocka_unit_test(buf_keeps_its_first_failure),
        cmocka_unit_test(buf_gives_its_contents_away),
        cmocka_unit_test(buf_lends_room),
        cmocka_unit_test(arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(arena_keeps_to_its_limit),
        cmocka_unit_test(error_carries_code_status_and_words),
        cmocka_unit_test(expected_errors_are_cleared),
        cmocka_unit_test(error_translates_errno),
        cmocka_unit_test(error_survives_long_words),
        cmocka_unit_test(every_error_code_has_a_name_of_its_own),
        cmocka_unit_test(cancel_wakes_all_who_watch),
        cmocka_unit_test(cancel_wakes_other_threads),
        cmocka_unit_test(a_passed_deadline_is_a_timeout),
        cmocka_unit_test(log_levels_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
