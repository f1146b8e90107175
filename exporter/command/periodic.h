/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the main thread does while it waits for a signal: things that are looked after now and then.
 * Where there is nothing to look after, it sleeps until the signal.
 */
#ifndef COMMAND_PERIODIC_H
#define COMMAND_PERIODIC_H

#include <signal.h>
#include <stdint.h>

struct periodic_task {
    void (*run)(void *arg); /* NULL ends the list */
    void *arg;
    int64_t every_ns; /* 0: never */
    int64_t due_ns;   /* private */
};

/* Returns the signal of `signals` (which are blocked) that came. */
int run_tasks_until_signal(struct periodic_task *tasks, const sigset_t *signals);

#endif
