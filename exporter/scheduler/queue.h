/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jobs of one lane: those that wait, by when they are due, and those that run.
 *
 * A job whose resource (its registry) is busy with as many jobs as it may have keeps its place
 * and holds up nobody behind it. Everything here is called with the scheduler's lock held.
 */
#ifndef SCHEDULER_QUEUE_H
#define SCHEDULER_QUEUE_H

#include "scheduler/job.h"

struct queue {
    struct job *waiting, *running;
    pthread_cond_t changed;
};

void queue_init(struct queue *queue);
void queue_deinit(struct queue *queue);

void queue_add(struct queue *queue, struct job *job, int64_t due_ns);
void queue_remove(struct queue *queue, struct job *job);

/* Takes the first job that may run now from those that wait to those that run. NULL: there is
 * none before *wake_ns (INT64_MAX: before something changes). */
struct job *queue_take(struct queue *queue, const struct moment *now, int64_t *wake_ns);

/* The job does not run any more. */
void queue_leave(struct queue *queue, struct job *job);

/* Waits for a change, until `wake_ns` at most. */
void queue_wait(struct queue *queue, int64_t wake_ns, pthread_mutex_t *lock);

#endif
