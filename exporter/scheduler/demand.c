/* SPDX-License-Identifier: Apache-2.0 */
/* The worker of a run calls done() of the demands that wait for the run. A thread of its own calls
 * done() where no run does: for cached records, expired deadlines and canceled demands. */
#include "scheduler/demand.h"

#include "base/clock.h"
#include "scheduler/scheduler_private.h"

#include <string.h>

#define DEMANDS_MAX 64 /* waiting at the same time */

/* A run that times out at the demand's deadline reports a little later. */
#define GRACE_NS (250 * NS_PER_MS)

#define COUNTS_LIMIT_BYTES ((size_t)4 << 10)

enum {
    UNKNOWN_TARGETS,
};

const struct metric_family demand_families[] = {
    [UNKNOWN_TARGETS] = {METRIC_COUNTER, "containerd_exporter_probe_unknown_target_total",
                         "Requests for a run on demand of a probe that is not configured."},
    {0},
};

struct demand {
    struct demand_options options;
    struct demand *next;
    struct job *job;             /* the demand waits for its run; NULL: for none */
    bool next_run;               /* waits for the run after the one in progress */
    struct history_list *cached; /* an older record to answer with */
    enum {
        WAITING,
        ANSWERED, /* done() is to be called, with `cached` or NULL */
        CALLING,  /* done() is being called, by `caller` */
        DONE,
    } state;
    bool progress_used; /* a run writes into options.progress */
    pthread_t caller;
    bool dropped; /* freed after done() */
};

static void post_counts(struct scheduler *scheduler)
{
    CLEANUP(snapshot_unrefp)
    struct snapshot *counts = snapshot_new(demand_families, COUNTS_LIMIT_BYTES);

    if (!counts)
        return;
    snapshot_add(counts, UNKNOWN_TARGETS, scheduler->demands.unknown);
    board_post(scheduler->demands.slot, counts);
}

static void free_demand(struct scheduler *scheduler, struct demand *demand)
{
    struct demand **link = &scheduler->demands.first;

    while (*link != demand)
        link = &(*link)->next;
    *link = demand->next;
    if (demand->cached)
        history_list_free(demand->cached);
    free(demand);
}

/* Unlocks the scheduler during the call, so the list of demands may change. */
static void call_done(struct scheduler *scheduler, struct demand *demand,
                      const struct run_record *record, bool cached)
{
    demand->job = NULL;
    demand->state = CALLING;
    demand->caller = pthread_self();
    pthread_mutex_unlock(&scheduler->lock);
    demand->options.done(demand->options.arg, record, cached);
    pthread_mutex_lock(&scheduler->lock);
    demand->state = DONE;
    if (demand->dropped)
        free_demand(scheduler, demand);
    pthread_cond_broadcast(&scheduler->demands.changed);
}

/* Returns a demand that waits for the current run of the job, or for the next one; NULL: none. */
static struct demand *find_waiting(const struct scheduler *scheduler, const struct job *job,
                                   bool next_run)
{
    struct demand *demand = scheduler->demands.first;

    while (demand && (demand->job != job || demand->next_run != next_run))
        demand = demand->next;
    return demand;
}

static void answer_null(struct scheduler *scheduler, struct demand *demand)
{
    demand->job = NULL;
    demand->state = ANSWERED;
    pthread_cond_broadcast(&scheduler->demands.changed);
}

/* ---- the job: started early, or released ---- */

static void start_now(struct scheduler *scheduler, struct job *job)
{
    const struct moment now = moment_now();

    if (job->on_demand)
        return;
    job->on_demand = true;
    job->planned = job->schedule;
    job->planned_due_ns = job->due_ns;
    schedule_demand(&job->schedule, &now, scheduler->demand_distance_ns);
    queue_move(scheduler_queue_of(scheduler, job), job, now.monotonic_ns);
}

/* After the last demand has left: cancels the run, or restores the planned schedule. A removed job
 * has been canceled and must not be queued again. */
static void release(struct scheduler *scheduler, struct job *job)
{
    if (!job->on_demand || job->removed || find_waiting(scheduler, job, false))
        return;
    if (job->running) {
        job->abandoned = true;
        cancel_now(job->running);
        return;
    }
    job->on_demand = false;
    job->schedule = job->planned;
    queue_move(scheduler_queue_of(scheduler, job), job, job->planned_due_ns);
}

static void use_progress(struct demand *demand, struct job *job, struct run_options *options)
{
    options->progress = demand->options.progress;
    demand->progress_used = true;
    job->progress_owner = demand;
}

/* Whether a run until `demand`'s deadline has less time than the timeout of its probe, which would
 * end it at `end_ns`. The start of a run takes some milliseconds, which no client is blamed for. */
static bool shortens(const struct demand *demand, int64_t end_ns)
{
    int64_t lost_ns = end_ns - demand->options.deadline_ns;

    return lost_ns > (demand->options.shortened ? 0 : GRACE_NS);
}

int64_t demands_begin_run(struct scheduler *scheduler, struct job *job, struct run_options *options,
                          int64_t end_ns)
{
    const struct demand *latest = NULL;

    job->reported = job->abandoned = false;
    for (struct demand *demand = scheduler->demands.first; demand; demand = demand->next) {
        if (demand->job != job)
            continue;
        demand->next_run = false;
        if (!latest || demand->options.deadline_ns > latest->options.deadline_ns)
            latest = demand;
        if (!options->progress && demand->options.progress)
            use_progress(demand, job, options);
    }
    if (!job->on_demand)
        return end_ns;
    options->trigger = RUN_DEMAND;
    if (!latest || latest->options.deadline_ns >= end_ns)
        return end_ns;
    options->deadline_shortened = shortens(latest, end_ns);
    return latest->options.deadline_ns;
}

void demands_end_run(struct scheduler *scheduler, struct job *job)
{
    job->on_demand = false;
    if (job->progress_owner) {
        TAKE(job->progress_owner)->progress_used = false;
        pthread_cond_broadcast(&scheduler->demands.changed);
    }
    if (find_waiting(scheduler, job, true) && !job->removed)
        start_now(scheduler, job);
}

void demands_remove_job(struct scheduler *scheduler, const struct job *job)
{
    for (struct demand *demand = scheduler->demands.first; demand; demand = demand->next)
        if (demand->job == job)
            answer_null(scheduler, demand);
}

/* A client with little time has ended the run early: demands that give more time wait for another
 * run. */
static void keep_patient(struct scheduler *scheduler, const struct job *job)
{
    for (struct demand *demand = scheduler->demands.first; demand; demand = demand->next)
        if (demand->job == job && !demand->options.shortened &&
            demand->options.deadline_ns > job->running->deadline_ns)
            demand->next_run = true;
}

void demands_report(struct job *job, const struct run_record *record, bool counts)
{
    struct scheduler *scheduler = job->scheduler;
    struct demand *demand;
    LOCK_SCOPE(&scheduler->lock);

    job->reported = true;
    job->ended_ns = clock_now_ns();
    strcpy(job->last_id, counts ? record->id : "");
    if (!counts && record->reason == ERROR_TIMEOUT && !job->removed)
        keep_patient(scheduler, job);
    while ((demand = find_waiting(scheduler, job, false)))
        call_done(scheduler, demand, record, false);
}

/* ---- the thread that answers without a run ---- */

static int64_t deadline_of(const struct demand *demand)
{
    const struct job *job = demand->job;
    bool ends_with_run = job && job->running && !demand->next_run &&
                         job->running->deadline_ns <= demand->options.deadline_ns;

    return demand->options.deadline_ns + (ends_with_run ? GRACE_NS : 0);
}

/* Returns a demand to answer now; NULL: none before *wake_ns. */
static struct demand *next_to_answer(const struct scheduler *scheduler, int64_t *wake_ns)
{
    int64_t now_ns = clock_now_ns();

    *wake_ns = INT64_MAX;
    for (struct demand *demand = scheduler->demands.first; demand; demand = demand->next) {
        if (demand->state == ANSWERED ||
            (demand->state == WAITING && deadline_of(demand) <= now_ns))
            return demand;
        if (demand->state == WAITING && deadline_of(demand) < *wake_ns)
            *wake_ns = deadline_of(demand);
    }
    return NULL;
}

static void answer(struct scheduler *scheduler, struct demand *demand)
{
    struct job *job = demand->job;

    demand->job = NULL;
    if (job && !job->running) /* a run ends at its own deadline */
        release(scheduler, job);
    call_done(scheduler, demand, demand->cached ? demand->cached->records[0] : NULL,
              demand->cached != NULL);
}

static void wait_for_change(struct scheduler *scheduler, int64_t wake_ns)
{
    struct timespec until = clock_timespec(wake_ns);

    pthread_cond_clockwait(&scheduler->demands.changed, &scheduler->lock, CLOCK_MONOTONIC, &until);
}

static void *answer_demands(void *arg)
{
    struct scheduler *scheduler = arg;
    int64_t wake_ns;
    LOCK_SCOPE(&scheduler->lock);

    for (;;) {
        struct demand *demand = next_to_answer(scheduler, &wake_ns);

        if (demand)
            answer(scheduler, demand);
        else if (scheduler->demands.stopping)
            return NULL;
        else
            wait_for_change(scheduler, wake_ns);
    }
}

bool demands_start(struct scheduler *scheduler, struct error *err)
{
    int r;

    pthread_cond_init(&scheduler->demands.changed, NULL);
    scheduler->demands.slot = board_add(scheduler->board, NULL);
    if (!scheduler->demands.slot)
        return error_memory(err);
    post_counts(scheduler);
    r = pthread_create(&scheduler->demands.thread, NULL, answer_demands, scheduler);
    scheduler->demands.started = r == 0;
    return r == 0 || error_errno(err, r, "cannot start a thread");
}

void demands_stop(struct scheduler *scheduler)
{
    pthread_mutex_lock(&scheduler->lock);
    scheduler->demands.stopping = true;
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

/* ---- interface ---- */

static bool has_room(const struct scheduler *scheduler)
{
    size_t n = 0;

    for (const struct demand *demand = scheduler->demands.first; demand; demand = demand->next)
        n += demand->state != DONE;
    return n < DEMANDS_MAX;
}

/* Returns the record of the last run if it ended less than the minimum distance ago. */
static struct history_list *find_recent(struct scheduler *scheduler, const struct job *job)
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
    demand->next_run = job->running && (job->reported || job->abandoned);
    if (!job->running)
        start_now(scheduler, job);
}

static bool check(const struct scheduler *scheduler, const struct job *job, const char *probe,
                  struct error *err)
{
    if (!job)
        return error_set(err, ERROR_NOT_FOUND, "unknown probe \"%s\"", probe);
    if (scheduler->demands.closed)
        return error_set(err, ERROR_CANCELED, "the exporter is shutting down");
    return has_room(scheduler) ||
           error_set(err, ERROR_LIMIT, "too many requests are waiting: limit is %d", DEMANDS_MAX);
}

struct demand *scheduler_demand(struct scheduler *scheduler, const struct demand_options *options,
                                struct error *err)
{
    struct demand *demand;
    struct job *job;
    LOCK_SCOPE(&scheduler->lock);

    job = scheduler_find_probe(scheduler, options->probe);
    if (!check(scheduler, job, options->probe, err))
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
    demand->cached = find_recent(scheduler, job);
    if (demand->cached)
        demand->state = ANSWERED;
    else
        wait_for_run(scheduler, job, demand);
    pthread_cond_broadcast(&scheduler->demands.changed);
    return demand;
}

static void stop_waiting(struct scheduler *scheduler, struct demand *demand)
{
    struct job *job = TAKE(demand->job);

    if (job)
        release(scheduler, job);
}

void scheduler_demand_cancel(struct scheduler *scheduler, const void *arg)
{
    struct demand *demand;
    LOCK_SCOPE(&scheduler->lock);

    demand = scheduler->demands.first;
    while (demand && (demand->options.arg != arg || demand->state != WAITING))
        demand = demand->next;
    if (!demand)
        return;
    stop_waiting(scheduler, demand);
    answer_null(scheduler, demand);
}

void scheduler_demand_end(struct scheduler *scheduler)
{
    LOCK_SCOPE(&scheduler->lock);

    scheduler->demands.closed = true;
    for (struct demand *demand = scheduler->demands.first; demand; demand = demand->next) {
        if (demand->state != WAITING)
            continue;
        stop_waiting(scheduler, demand);
        answer_null(scheduler, demand);
    }
}

void scheduler_demand_drop(struct scheduler *scheduler, struct demand *demand)
{
    LOCK_SCOPE(&scheduler->lock);

    if (demand->state == CALLING && pthread_equal(demand->caller, pthread_self())) {
        demand->dropped = true;
        return;
    }
    if (demand->state == WAITING)
        stop_waiting(scheduler, demand);
    if (demand->state != CALLING)
        demand->state = DONE;
    while (demand->state != DONE || demand->progress_used)
        pthread_cond_wait(&scheduler->demands.changed, &scheduler->lock);
    free_demand(scheduler, demand);
}

void scheduler_note_unknown(struct scheduler *scheduler)
{
    LOCK_SCOPE(&scheduler->lock);

    scheduler->demands.unknown++;
    post_counts(scheduler);
}
