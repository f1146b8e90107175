/* SPDX-License-Identifier: Apache-2.0 */
/* Periodic tasks of the main thread, which run while it waits for a signal. */
#pragma once

#include <signal.h>
#include <stdint.h>

struct periodic_task {
    void (*run)(void *arg); /* NULL ends the list */
    void *arg;
    int64_t every_ns; /* 0: never */
    int64_t due_ns;   /* private */
};

/* Runs the tasks until a signal of `signals` arrives, and returns that signal. The caller must have
 * blocked the signals in all threads. */
int run_tasks_until_signal(struct periodic_task *tasks, const sigset_t *signals);
