/* SPDX-License-Identifier: Apache-2.0 */
/* The start time of a process. */
#include "os/start_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* The clock of the kernel has whole seconds. */
static void is_between_fork_and_exit(void **state)
{
    time_t before = time(NULL), after;
    int ends[2];
    double started = 0;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        started = process_start_time();
        _exit(write(ends[1], &started, sizeof(started)) != sizeof(started));
    }
    assert_int_equal(read(ends[0], &started, sizeof(started)), sizeof(started));
    assert_int_equal(waitpid(child, NULL, 0), child);
    after = time(NULL);
    assert_true(started > (double)before - 3 && started < (double)after + 3);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_between_fork_and_exit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
