/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jobs of one lane: waiting, ordered by due time, and running.
 *
 * A job whose resource (its registry) already has max_concurrent running jobs keeps its position
 * and does not delay the jobs behind it. The caller must hold the scheduler's lock.
 */
#pragma once

#include "scheduler/job.h"

struct queue {
    struct job *waiting, *running;
    pthread_cond_t changed;
};

void queue_init(struct queue *queue);
void queue_deinit(struct queue *queue);

void queue_add(struct queue *queue, struct job *job, int64_t due_ns);
void queue_remove(struct queue *queue, struct job *job);
/* Changes the due time of a waiting job. */
void queue_move(struct queue *queue, struct job *job, int64_t due_ns);

/* Moves the first job that may run now from waiting to running and returns it. NULL: none before
 * *wake_ns (INT64_MAX: none before the queue changes). */
struct job *queue_take(struct queue *queue, const struct moment *now, int64_t *wake_ns);

/* Removes a job whose run has ended. */
void queue_leave(struct queue *queue, struct job *job);

/* Waits until the queue changes, or until `wake_ns`. */
void queue_wait(struct queue *queue, int64_t wake_ns, pthread_mutex_t *lock);
