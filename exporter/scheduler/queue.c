/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduler/queue.h"

#include "base/clock.h"

#include <string.h>

void queue_init(struct queue *queue)
{
    *queue = (struct queue){.changed = PTHREAD_COND_INITIALIZER};
}

void queue_deinit(struct queue *queue)
{
    pthread_cond_destroy(&queue->changed);
}

void queue_add(struct queue *queue, struct job *job, int64_t due_ns)
{
    struct job **link = &queue->waiting;

    job->due_ns = due_ns;
    while (*link && (*link)->due_ns <= due_ns)
        link = &(*link)->next_due;
    job->next_due = *link;
    *link = job;
    pthread_cond_broadcast(&queue->changed);
}

static void unlink_job(struct job **list, struct job *job)
{
    while (*list && *list != job)
        list = &(*list)->next_due;
    if (*list)
        *list = job->next_due;
}

void queue_remove(struct queue *queue, struct job *job)
{
    unlink_job(&queue->waiting, job);
}

void queue_move(struct queue *queue, struct job *job, int64_t due_ns)
{
    queue_remove(queue, job);
    queue_add(queue, job, due_ns);
}

static bool resource_is_busy(const struct queue *queue, const struct config_job *plan)
{
    uint64_t n = 0;

    if (!plan->resource || plan->max_concurrent == 0)
        return false;
    for (const struct job *job = queue->running; job; job = job->next_due)
        n += job->plan.resource && strcmp(job->plan.resource, plan->resource) == 0;
    return n >= plan->max_concurrent;
}

static struct job *find_ready(struct queue *queue, const struct moment *now, int64_t *wake_ns)
{
    struct job *job = queue->waiting, *next;

    for (; job && job->due_ns <= now->monotonic_ns; job = next) {
        int64_t due_ns;

        next = job->next_due;
        if (!schedule_ready(&job->schedule, now, &due_ns)) {
            queue_move(queue, job, due_ns);
            next = queue->waiting;
        } else if (!resource_is_busy(queue, &job->plan)) {
            return job;
        }
    }
    *wake_ns = job ? job->due_ns : INT64_MAX;
    return NULL;
}

struct job *queue_take(struct queue *queue, const struct moment *now, int64_t *wake_ns)
{
    struct job *job = find_ready(queue, now, wake_ns);

    if (!job)
        return NULL;
    queue_remove(queue, job);
    job->next_due = queue->running;
    queue->running = job;
    return job;
}

void queue_leave(struct queue *queue, struct job *job)
{
    unlink_job(&queue->running, job);
    pthread_cond_broadcast(&queue->changed);
}

void queue_wait(struct queue *queue, int64_t wake_ns, pthread_mutex_t *lock)
{
    struct timespec until = clock_timespec(wake_ns);

    pthread_cond_clockwait(&queue->changed, lock, CLOCK_MONOTONIC, &until);
}
