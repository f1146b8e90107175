/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler's data, for scheduler.c, scheduler_view.c and demand.c. */
#pragma once

#include "scheduler/demand_private.h"
#include "scheduler/queue.h"
#include "scheduler/scheduler.h"

#define LANES       2
#define WORKERS_MAX 64

struct scheduler {
    struct board *board;
    struct history *history; /* NULL: none */
    const char *node;
    int64_t spread_ns, demand_distance_ns;
    pthread_mutex_t scrape_lock; /* held while jobs of LANE_SCRAPE run; locked before `lock` */
    pthread_mutex_t lock;
    struct queue queues[LANES]; /* by lane */
    pthread_cond_t ended;       /* signalled when a run has ended */
    struct job *jobs;           /* written with both locks held, read with either */
    struct demands demands;
    bool stopping;
    size_t n_workers;
    struct worker {
        struct scheduler *scheduler;
        struct queue *queue;
        pthread_t thread;
    } workers[WORKERS_MAX];
};

struct queue *scheduler_queue_of(struct scheduler *scheduler, const struct job *job);
struct job *scheduler_find_probe(const struct scheduler *scheduler, const char *name);
