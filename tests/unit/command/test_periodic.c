/* SPDX-License-Identifier: Apache-2.0 */
/* Periodic tasks of the main thread. */
#include "command/periodic.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

struct counted {
    int runs, until; /* sends the signal with the last run */
};

static void count(void *arg)
{
    struct counted *counted = arg;

    if (++counted->runs == counted->until)
        kill(getpid(), SIGUSR1);
}

static sigset_t block(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return set;
}

static void runs_due_tasks_until_the_signal(void **state)
{
    struct counted often = {.until = 5}, never = {0}, rarely = {0};
    struct periodic_task tasks[] = {
        {count, &often, NS_PER_MS},
        {count, &never, 0},
        {count, &rarely, 3600 * NS_PER_SECOND},
        {0},
    };
    sigset_t set = block();

    (void)state;
    assert_int_equal(run_tasks_until_signal(tasks, &set), SIGUSR1);
    assert_int_equal(often.runs, 5);
    assert_int_equal(never.runs, 0);
    assert_int_equal(rarely.runs, 0);
}

static void keeps_due_times_between_signals(void **state)
{
    struct counted rarely = {0};
    struct periodic_task tasks[] = {{count, &rarely, 3600 * NS_PER_SECOND}, {0}};
    sigset_t set = block();
    int64_t due_ns;

    (void)state;
    kill(getpid(), SIGUSR1);
    assert_int_equal(run_tasks_until_signal(tasks, &set), SIGUSR1);
    due_ns = tasks[0].due_ns;
    assert_true(due_ns > clock_now_ns());
    kill(getpid(), SIGUSR1);
    assert_int_equal(run_tasks_until_signal(tasks, &set), SIGUSR1);
    assert_true(tasks[0].due_ns == due_ns);
}

static void waits_for_a_signal_without_tasks(void **state)
{
    struct periodic_task tasks[] = {{0}};
    sigset_t set = block();

    (void)state;
    kill(getpid(), SIGUSR1);
    assert_int_equal(run_tasks_until_signal(tasks, &set), SIGUSR1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_due_tasks_until_the_signal),
        cmocka_unit_test(keeps_due_times_between_signals),
        cmocka_unit_test(waits_for_a_signal_without_tasks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
