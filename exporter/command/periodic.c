/* SPDX-License-Identifier: Apache-2.0 */
#include "command/periodic.h"

#include "base/clock.h"

#include <stddef.h>

/* Runs the tasks that are due. Returns when the next one is due, or INT64_MAX. */
static int64_t run_due(struct periodic_task *tasks)
{
    int64_t next_ns = INT64_MAX;

    for (struct periodic_task *task = tasks; task->run; task++) {
        int64_t now_ns = clock_now_ns();

        if (task->every_ns == 0)
            continue;
        if (task->due_ns == 0)
            task->due_ns = now_ns + task->every_ns;
        if (task->due_ns <= now_ns) {
            task->run(task->arg);
            task->due_ns = clock_now_ns() + task->every_ns;
        }
        if (task->due_ns < next_ns)
            next_ns = task->due_ns;
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
