/* SPDX-License-Identifier: Apache-2.0 */
#include "command/periodic.h"

#include "base/clock.h"

#include <stddef.h>

/* Those that are due; returns when the next one is, INT64_MAX: never. */
static int64_t run_due(struct periodic_task *tasks)
{
    int64_t next_ns = INT64_MAX;

    for (struct periodic_task *periodic_task = tasks; periodic_task->run; periodic_task++) {
        int64_t now_ns = clock_now_ns();

        if (periodic_task->every_ns == 0)
            continue;
        if (periodic_task->due_ns == 0)
            periodic_task->due_ns = now_ns + periodic_task->every_ns;
        if (periodic_task->due_ns <= now_ns) {
            periodic_task->run(periodic_task->arg);
            periodic_task->due_ns = clock_now_ns() + periodic_task->every_ns;
        }
        if (periodic_task->due_ns < next_ns)
            next_ns = periodic_task->due_ns;
    }
    return next_ns;
}

int run_tasks_until_signal(struct periodic_task *tasks, const sigset_t *signals)
{
    for (;;) {
        int64_t due_ns = run_due(tasks), left_ns = due_ns - clock_now_ns();
        struct timespec left = clock_timespec(left_ns > 0 ? left_ns : 0);
        int signal_number =
            due_ns == INT64_MAX ? sigwaitinfo(signals, NULL) : sigtimedwait(signals, NULL, &left);

        if (signal_number > 0)
            return signal_number;
    }
}
