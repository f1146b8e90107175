/* SPDX-License-Identifier: Apache-2.0 */
/* The progress of a run: clean lines, a limit, phases and bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUT_BYTES ((size_t)64 << 10)

static void ids_differ(void **state)
{
    struct progress first, second;

    (void)state;
    progress_init(&first);
    progress_init(&second);
    assert_int_equal(strlen(first.id), RUN_ID_BYTES - 1);
    assert_int_equal(strspn(first.id, "0123456789abcdef"), RUN_ID_BYTES - 1);
    assert_string_not_equal(first.id, second.id);
    progress_deinit(&first);
    progress_deinit(&second);
}

static void reads_only_new_lines(void **state)
{
    struct progress progress;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUT_BYTES);
    size_t offset = 0;
    unsigned seconds, ms;

    (void)state;
    progress_init(&progress);
    progress_read(&progress, &offset, &out);
    assert_int_equal(out.size, 0);
    progress_note(&progress, "one %d", 1);
    progress_read(&progress, &offset, &out);
    assert_int_equal(sscanf(out.data, "+%u.%us one 1\n", &seconds, &ms), 2);
    buf_clear(&out);
    progress_note(&progress, "two");
    progress_note(&progress, "three");
    progress_read(&progress, &offset, &out);
    assert_null(strstr(out.data, "one"));
    assert_non_null(strstr(out.data, "s two\n+"));
    assert_non_null(strstr(out.data, "s three\n"));
    progress_deinit(&progress);
}

/* A message of a registry may contain any bytes. */
static void a_line_is_one_line_of_text(void **state)
{
    struct progress progress;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUT_BYTES);
    char text[1000];
    size_t offset = 0;

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, "a\nb\x01\xff", 5);
    text[sizeof(text) - 1] = '\0';
    progress_init(&progress);
    progress_note(&progress, "%s", text);
    progress_read(&progress, &offset, &out);
    assert_ptr_equal(strchr(out.data, '\n'), out.data + out.size - 1);
    assert_non_null(strstr(out.data, "a b \xef\xbf\xbdxxx"));
    assert_in_range(out.size, 200, 400);
    progress_deinit(&progress);
}

static void counts_lines_beyond_the_limit(void **state)
{
    struct progress progress;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUT_BYTES);
    size_t offset = 0;
    unsigned lines = 0;

    (void)state;
    progress_init(&progress);
    for (unsigned i = 0; i < 1000; i++)
        progress_note(&progress, "line %u", i);
    progress_read(&progress, &offset, &out);
    assert_in_range(out.size, PROGRESS_LOG_BYTES - 40, PROGRESS_LOG_BYTES);
    for (size_t i = 0; i < out.size; i++)
        lines += out.data[i] == '\n';
    assert_int_equal(lines + progress_lost(&progress), 1000);
    progress_deinit(&progress);
}

static void counts_expected_and_moved_bytes(void **state)
{
    struct progress progress;

    (void)state;
    progress_init(&progress);
    assert_null(progress.phase);
    progress_phase(&progress, "fetch");
    progress_expect(&progress, 10);
    progress_expect(&progress, 20);
    progress_moved(&progress, 7);
    assert_string_equal(progress.phase, "fetch");
    assert_int_equal(progress.total_bytes, 30);
    assert_int_equal(progress.done_bytes, 7);
    progress_deinit(&progress);
}

static void accepts_null(void **state)
{
    (void)state;
    progress_phase(NULL, "fetch");
    progress_expect(NULL, 1);
    progress_moved(NULL, 1);
    progress_note(NULL, "%s", "nothing");
}

static void *write_lines(void *progress)
{
    for (unsigned i = 0; i < 100; i++) {
        progress_note(progress, "line");
        progress_moved(progress, 1);
    }
    return NULL;
}

static void threads_may_write_and_read(void **state)
{
    struct progress progress;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(OUT_BYTES);
    pthread_t threads[3];
    size_t offset = 0;

    (void)state;
    progress_init(&progress);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &progress), 0);
    while (progress.done_bytes < 300)
        progress_read(&progress, &offset, &out);
    for (size_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    progress_read(&progress, &offset, &out);
    assert_int_equal(out.size, offset);
    progress_deinit(&progress);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_differ),
        cmocka_unit_test(reads_only_new_lines),
        cmocka_unit_test(a_line_is_one_line_of_text),
        cmocka_unit_test(counts_lines_beyond_the_limit),
        cmocka_unit_test(counts_expected_and_moved_bytes),
        cmocka_unit_test(accepts_null),
        cmocka_unit_test(threads_may_write_and_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
