/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs on demand. Whoever waits for one is answered by the worker that made the run; answers that
 * need no run, and those that come too late, are a thread's of their own.
 */
#include "base/clock.h"
#include "scheduler/scheduler_private.h"

#include <string.h>

#define DEMANDS_MAX 64 /* that are waited for */

/* A run that ends at the deadline has something to tell a little later. */
#define GRACE_NS (250 * NS_PER_MS)

struct demand {
    struct demand_options options;
    struct demand *next;
    struct job *job;             /* whose run it waits for; NULL: for none, or not any more */
    bool late;                   /* not for the run that is going on, but for the next */
    struct history_list *answer; /* an older record */
    enum {
        WAITS,
        ANSWERED, /* `answer`, or that there is none, is still to be told */
        TELLING,
        TOLD,
    } state;
    bool lent; /* a run writes into options.progress */
    pthread_t teller;
    bool dropped; /* by done() itself, or from the start: freed when that returns */
};

static void free_demand(struct scheduler *scheduler, struct demand *demand)
{
    struct demand **place = &scheduler->demands.first;

    while (*place != demand)
        place = &(*place)->next;
    *place = demand->next;
    if (demand->answer)
        history_list_free(demand->answer);
    free(demand);
}

/* Calls done(). The lock is given up meanwhile, so the list is another one afterwards. */
static void tell(struct scheduler *scheduler, struct demand *demand,
                 const struct run_record *record, bool cached)
{
    demand->job = NULL;
    demand->state = TELLING;
    demand->teller = pthread_self();
    pthread_mutex_unlock(&scheduler->lock);
    demand->options.done(demand->options.arg, record, cached);
    pthread_mutex_lock(&scheduler->lock);
    demand->state = TOLD;
    if (demand->dropped)
        free_demand(scheduler, demand);
    pthread_cond_broadcast(&scheduler->demands.changed);
}

/* Somebody who waits for the run that goes on, or for the next one; NULL: nobody does. */
static struct demand *first_for(const struct scheduler *scheduler, const struct job *job, bool late)
{
    struct demand *demand = scheduler->demands.first;

    while (demand && (demand->job != job || demand->late != late))
        demand = demand->next;
    return demand;
}

static void answer_with_nothing(struct scheduler *scheduler, struct demand *demand)
{
    demand->job = NULL;
    demand->state = ANSWERED;
    pthread_cond_broadcast(&scheduler->demands.changed);
}

/* ---- the job: earlier than planned, or not any more ---- */

static void requeue(struct scheduler *scheduler, struct job *job, int64_t due_ns)
{
    queue_remove(scheduler_queue_of(scheduler, job), job);
    queue_add(scheduler_queue_of(scheduler, job), job, due_ns);
}

static void hasten(struct scheduler *scheduler, struct job *job)
{
    const struct moment now = moment_now();

    if (job->on_demand)
        return;
    job->on_demand = true;
    job->planned = job->schedule;
    job->planned_due_ns = job->due_ns;
    schedule_demand(&job->schedule, &now, scheduler->demand_distance_ns);
    requeue(scheduler, job, now.monotonic_ns);
}

/* Nobody waits for it any more: it is as it was before somebody did. A run that goes on for nobody
 * is canceled. What is being removed is canceled already, and in no queue again. */
static void let_go(struct scheduler *scheduler, struct job *job)
{
    if (!job->on_demand || job->removed || first_for(scheduler, job, false))
        return;
    if (job->running) {
        job->abandoned = true;
        cancel_now(job->running);
        return;
    }
    job->on_demand = false;
    job->schedule = job->planned;
    requeue(scheduler, job, job->planned_due_ns);
}

static void lend(struct demand *demand, struct job *job, struct job_turn *turn)
{
    turn->progress = demand->options.progress;
    demand->lent = true;
    job->lender = demand;
}

int64_t demands_begin(struct scheduler *scheduler, struct job *job, struct job_turn *turn,
                      int64_t end_ns)
{
    int64_t latest_ns = 0;

    job->told = job->abandoned = false;
    for (struct demand *demand = scheduler->demands.first; demand; demand = demand->next) {
        if (demand->job != job)
            continue;
        demand->late = false;
        if (demand->options.deadline_ns > latest_ns)
            latest_ns = demand->options.deadline_ns;
        if (!turn->progress && demand->options.progress)
            lend(demand, job, turn);
    }
    if (!job->on_demand)
        return end_ns;
    turn->trigger = RUN_DEMAND;
    turn->hurried = latest_ns < end_ns;
    return turn->hurried ? latest_ns : end_ns;
}

void demands_follow(struct scheduler *scheduler, struct job *job)
{
    job->on_demand = false;
    if (job->lender) {
        TAKE(job->lender)->lent = false;
        pthread_cond_broadcast(&scheduler->demands.changed);
    }
    if (first_for(scheduler, job, true) && !job->removed)
        hasten(scheduler, job);
}

void demands_refuse(struct scheduler *scheduler, const struct job *job)
{
    for (struct demand *demand = scheduler->demands.first; demand; demand = demand->next)
        if (demand->job == job)
            answer_with_nothing(scheduler, demand);
}

void demands_report(struct job *job, const struct run_record *record, bool counts)
{
    struct scheduler *scheduler = job->runner;
    struct demand *demand;
    LOCK_SCOPE(&scheduler->lock);

    job->told = true;
    job->ended_ns = clock_now_ns();
    strcpy(job->last_id, counts ? record->id : "");
    while ((demand = first_for(scheduler, job, false)))
        tell(scheduler, demand, record, false);
}

/* ---- the thread that tells what no worker does ---- */

static int64_t end_of(const struct demand *demand)
{
    const struct job *job = demand->job;
    bool ends_with_it = job && job->running && !demand->late &&
                        job->running->deadline_ns <= demand->options.deadline_ns;

    return demand->options.deadline_ns + (ends_with_it ? GRACE_NS : 0);
}

/* One that is to be told something now; else *wake_ns is when there may be one. */
static struct demand *next_to_tell(const struct scheduler *scheduler, int64_t *wake_ns)
{
    int64_t now_ns = clock_now_ns();

    *wake_ns = INT64_MAX;
    for (struct demand *demand = scheduler->demands.first; demand; demand = demand->next) {
        if (demand->state == ANSWERED || (demand->state == WAITS && end_of(demand) <= now_ns))
            return demand;
        if (demand->state == WAITS && end_of(demand) < *wake_ns)
            *wake_ns = end_of(demand);
    }
    return NULL;
}

static void tell_answer(struct scheduler *scheduler, struct demand *demand)
{
    struct job *job = demand->job;

    demand->job = NULL;
    if (job && !job->running) /* a run has a deadline of its own */
        let_go(scheduler, job);
    tell(scheduler, demand, demand->answer ? demand->answer->records[0] : NULL,
         demand->answer != NULL);
}

static void wait_for_change(struct scheduler *scheduler, int64_t wake_ns)
{
    struct timespec until = clock_timespec(wake_ns);

    if (wake_ns == INT64_MAX)
        pthread_cond_wait(&scheduler->demands.changed, &scheduler->lock);
    else
        pthread_cond_timedwait(&scheduler->demands.changed, &scheduler->lock, &until);
}

static void *tell_answers(void *arg)
{
    struct scheduler *scheduler = arg;
    int64_t wake_ns;
    LOCK_SCOPE(&scheduler->lock);

    for (;;) {
        struct demand *demand = next_to_tell(scheduler, &wake_ns);

        if (demand)
            tell_answer(scheduler, demand);
        else if (scheduler->demands.ended)
            return NULL;
        else
            wait_for_change(scheduler, wake_ns);
    }
}

bool demands_start(struct scheduler *scheduler, struct error *err)
{
    pthread_condattr_t monotonic;
    int r;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&scheduler->demands.changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    scheduler->demands.slot = board_add(scheduler->board, NULL);
    if (!scheduler->demands.slot)
        return error_memory(err);
    scheduler_post_counts(scheduler);
    r = pthread_create(&scheduler->demands.thread, NULL, tell_answers, scheduler);
    scheduler->demands.started = r == 0;
    return r == 0 || error_errno(err, r, "cannot start a thread");
}

void demands_end(struct scheduler *scheduler)
{
    pthread_mutex_lock(&scheduler->lock);
    scheduler->demands.ended = true;
    pthread_cond_broadcast(&scheduler->demands.changed);
    pthread_mutex_unlock(&scheduler->lock);
    if (scheduler->demands.started)
        pthread_join(scheduler->demands.thread, NULL);
    while (scheduler->demands.first)
        free_demand(scheduler, scheduler->demands.first);
    if (scheduler->demands.slot)
        board_remove(scheduler->demands.slot);
    pthread_cond_destroy(&scheduler->demands.changed);
}

/* ---- what everybody calls ---- */

static bool has_room(const struct scheduler *scheduler)
{
    size_t n = 0;

    for (const struct demand *demand = scheduler->demands.first; demand; demand = demand->next)
        n += demand->state != TOLD;
    return n < DEMANDS_MAX;
}

/* The last run, if it is so young that another one would be too much. */
static struct history_list *find_young(struct scheduler *scheduler, const struct job *job)
{
    struct history_list *list;

    if (!scheduler->history || !*job->last_id ||
        clock_now_ns() >= job->ended_ns + scheduler->demand_distance_ns)
        return NULL;
    list = history_find(scheduler->history, job->plan.name, job->last_id, 1);
    if (!list || list->count > 0)
        return list;
    history_list_free(list);
    return NULL;
}

static void wait_for_run(struct scheduler *scheduler, struct job *job, struct demand *demand)
{
    demand->job = job;
    demand->late = job->running && (job->told || job->abandoned);
    if (!job->running)
        hasten(scheduler, job);
}

struct demand *scheduler_demand(struct scheduler *scheduler, const struct demand_options *options,
                                struct error *err)
{
    struct demand *demand;
    struct job *job;
    LOCK_SCOPE(&scheduler->lock);

    job = scheduler_find_probe(scheduler, options->probe);
    if (!job)
        error_set(err, ERROR_NOT_FOUND, "there is no probe \"%s\"", options->probe);
    else if (scheduler->demands.closed)
        error_set(err, ERROR_CANCELED, "the exporter stops");
    else if (!has_room(scheduler))
        error_set(err, ERROR_LIMIT, "%d runs are waited for already", DEMANDS_MAX);
    if (!job || scheduler->demands.closed || !has_room(scheduler))
        return NULL;
    demand = calloc(1, sizeof(*demand));
    if (!demand) {
        error_memory(err);
        return NULL;
    }
    demand->options = *options;
    demand->dropped = options->forget;
    demand->next = scheduler->demands.first;
    scheduler->demands.first = demand;
    demand->answer = find_young(scheduler, job);
    if (demand->answer)
        demand->state = ANSWERED;
    else
        wait_for_run(scheduler, job, demand);
    pthread_cond_broadcast(&scheduler->demands.changed);
    return demand;
}

static void stop_waiting(struct scheduler *scheduler, struct demand *demand)
{
    struct job *job = demand->job;

    demand->job = NULL;
    if (job)
        let_go(scheduler, job);
}

void scheduler_demand_cancel(struct scheduler *scheduler, const void *arg)
{
    struct demand *demand;
    LOCK_SCOPE(&scheduler->lock);

    demand = scheduler->demands.first;
    while (demand && (demand->options.arg != arg || demand->state != WAITS))
        demand = demand->next;
    if (!demand)
        return;
    stop_waiting(scheduler, demand);
    answer_with_nothing(scheduler, demand);
}

void scheduler_demand_end(struct scheduler *scheduler)
{
    LOCK_SCOPE(&scheduler->lock);

    scheduler->demands.closed = true;
    for (struct demand *demand = scheduler->demands.first; demand; demand = demand->next) {
        if (demand->state != WAITS)
            continue;
        stop_waiting(scheduler, demand);
        answer_with_nothing(scheduler, demand);
    }
}

void scheduler_demand_drop(struct scheduler *scheduler, struct demand *demand)
{
    LOCK_SCOPE(&scheduler->lock);

    if (demand->state == TELLING && pthread_equal(demand->teller, pthread_self())) {
        demand->dropped = true;
        return;
    }
    if (demand->state == WAITS)
        stop_waiting(scheduler, demand);
    if (demand->state != TELLING)
        demand->state = TOLD; /* nothing */
    while (demand->state != TOLD || demand->lent)
        pthread_cond_wait(&scheduler->demands.changed, &scheduler->lock);
    free_demand(scheduler, demand);
}
