/* SPDX-License-Identifier: Apache-2.0 */
#include "command/periodic.h"

#include "base/clock.h"

#include <stddef.h>

/* Those that are due; returns when the next one is, INT64_MAX: never. */
static int64_t run_due(struct chore *chores)
{
    int64_t next_ns = INT64_MAX;

    for (struct chore *chore = chores; chore->run; chore++) {
        int64_t now_ns = clock_now_ns();

        if (chore->every_ns == 0)
            continue;
        if (chore->due_ns == 0)
            chore->due_ns = now_ns + chore->every_ns;
        if (chore->due_ns <= now_ns) {
            chore->run(chore->arg);
            chore->due_ns = clock_now_ns() + chore->every_ns;
        }
        if (chore->due_ns < next_ns)
            next_ns = chore->due_ns;
    }
    return next_ns;
}

int chores_until_signal(struct chore *chores, const sigset_t *signals)
{
    for (;;) {
        int64_t due_ns = run_due(chores), left_ns = due_ns - clock_now_ns();
        struct timespec left = clock_timespec(left_ns > 0 ? left_ns : 0);
        int signal_number =
            due_ns == INT64_MAX ? sigwaitinfo(signals, NULL) : sigtimedwait(signals, NULL, &left);

        if (signal_number > 0)
            return signal_number;
    }
}
