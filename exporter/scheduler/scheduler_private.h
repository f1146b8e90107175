/* SPDX-License-Identifier: Apache-2.0 */
/* For scheduler.c and demand.c alone: what the scheduler is made of. */
#ifndef SCHEDULER_SCHEDULER_PRIVATE_H
#define SCHEDULER_SCHEDULER_PRIVATE_H

#include "scheduler/queue.h"
#include "scheduler/scheduler.h"

#define LANES       2
#define WORKERS_MAX 64

struct demands {
    struct demand *first;
    pthread_cond_t changed;
    pthread_t thread;
    bool started, ended;
    bool closed; /* to new ones */
    struct board_slot *slot;
    double unknown; /* times that a probe was asked for that there is not */
};

struct scheduler {
    struct board *board;
    struct history *history; /* NULL: nothing is kept */
    const char *node;
    int64_t spread_ns, demand_distance_ns;
    pthread_mutex_t scrape_lock; /* held while jobs of LANE_SCRAPE run; taken before `lock` */
    pthread_mutex_t lock;
    struct queue queues[LANES]; /* by lane */
    pthread_cond_t ended;       /* a run has */
    struct job *jobs;           /* changes under both locks, so either is enough to read */
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
/* Called with the lock held, or before anybody else has it. */
void scheduler_post_counts(struct scheduler *scheduler);

/* The rest is demand.c's, called with the scheduler's lock held but where it says so. The first two
 * are the start and the end. */
bool demands_start(struct scheduler *scheduler, struct error *err);
/* What is still waited for is answered with NULL. After the last run. */
void demands_end(struct scheduler *scheduler);

/* The job begins to run: what it is told of those who wait for it. Returns when it has to end:
 * `end_ns`, or with them. */
int64_t demands_begin(struct scheduler *scheduler, struct job *job, struct job_turn *turn,
                      int64_t end_ns);
/* What it found; fits job_turn.tell, and is called without the lock. */
void demands_report(struct job *job, const struct run_record *record, bool counts);
/* It does not run any more, and waits for its next turn. */
void demands_follow(struct scheduler *scheduler, struct job *job);
/* It is not configured any more. */
void demands_refuse(struct scheduler *scheduler, const struct job *job);

#endif
