/* SPDX-License-Identifier: Apache-2.0 */
#include "scheduler/scheduler.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "scheduler/scheduler_private.h"

#include <string.h>

#define SCRAPE_LIMIT_NS (1 * NS_PER_SECOND)
#define EARLY_NS        (200 * NS_PER_MS) /* from the end of a run to an early one, at least */

#define DEMAND_DISTANCE_NS (10 * NS_PER_SECOND)

#define WATCH_PAUSE_NS     (1 * NS_PER_SECOND)
#define WATCH_PAUSE_MAX_NS (30 * NS_PER_SECOND)

struct queue *scheduler_queue_of(struct scheduler *scheduler, const struct job *job)
{
    return &scheduler->queues[job->plan.collector->lane];
}

/* Waits until a job is due. Returns NULL when the scheduler stops. Must be called with the lock
 * held. */
static struct job *next_job(struct scheduler *scheduler, struct queue *queue)
{
    while (!scheduler->stopping) {
        const struct moment now = moment_now();
        int64_t wake_ns;
        struct job *job = queue_take(queue, &now, &wake_ns);

        if (job)
            return job;
        queue_wait(queue, wake_ns, &scheduler->lock);
    }
    return NULL;
}

/* Called by the watcher: the next run starts now, but not within EARLY_NS of the last one. Changes
 * during a run cause one more run. The interval counts from the early run. */
static void run_early(void *arg)
{
    struct job *job = arg;
    struct scheduler *scheduler = job->scheduler;
    int64_t due_ns = clock_now_ns();
    LOCK_SCOPE(&scheduler->lock);

    if (job->running)
        job->again = true;
    if (job->running || job->removed)
        return;
    if (job->tried && due_ns < job->ended_ns + EARLY_NS)
        due_ns = job->ended_ns + EARLY_NS;
    if (due_ns >= job->due_ns)
        return;
    schedule_hasten(&job->schedule, due_ns);
    queue_move(scheduler_queue_of(scheduler, job), job, due_ns);
}

/* Returns the time of the run after one that ended now: soon, if the watcher saw a change. */
static int64_t next_due(struct job *job, const struct outcome *outcome)
{
    const struct moment now = moment_now();
    int64_t due_ns = schedule_follow(&job->schedule, outcome, &now);

    job->ended_ns = now.monotonic_ns;
    if (!job->again || due_ns <= job->ended_ns + EARLY_NS)
        return due_ns;
    schedule_hasten(&job->schedule, job->ended_ns + EARLY_NS);
    return job->ended_ns + EARLY_NS;
}

/* Must be called with the lock held; unlocks it during the run. */
static void run_unlocked(struct scheduler *scheduler, struct job *job)
{
    struct cancel cancel;
    struct error failure = {0};
    struct run_options options = {.cancel = &cancel,
                                  .failure = &failure,
                                  .trigger = job->schedule.retry ? RUN_RETRY : RUN_SCHEDULED,
                                  .history = scheduler->history,
                                  .report = demands_report};
    struct outcome outcome;
    int64_t due_ns;

    cancel_init(&cancel,
                demands_begin_run(scheduler, job, &options, clock_now_ns() + job->plan.timeout_ns));
    job->running = &cancel;
    job->again = false;
    pthread_mutex_unlock(&scheduler->lock);
    outcome = job_run(job, &options);
    pthread_mutex_lock(&scheduler->lock);
    job->running = NULL;
    job->tried = true;
    if (!outcome.skipped)
        job->failure = failure;
    cancel_deinit(&cancel);
    queue_leave(scheduler_queue_of(scheduler, job), job);
    due_ns = next_due(job, &outcome);
    if (!job->removed)
        queue_add(scheduler_queue_of(scheduler, job), job, due_ns);
    demands_end_run(scheduler, job);
    pthread_cond_broadcast(&scheduler->ended);
}

static void *worker(void *arg)
{
    struct worker *self = arg;
    struct job *job;
    LOCK_SCOPE(&self->scheduler->lock);

    while ((job = next_job(self->scheduler, self->queue)))
        run_unlocked(self->scheduler, job);
    return NULL;
}

void scheduler_refresh(struct scheduler *scheduler)
{
    if (pthread_mutex_trylock(&scheduler->scrape_lock) != 0)
        return;
    for (struct job *job = scheduler->jobs; job; job = job->next) {
        struct error failure = {0};
        struct cancel cancel;

        if (job->plan.collector->lane != LANE_SCRAPE)
            continue;
        cancel_init(&cancel, clock_now_ns() + SCRAPE_LIMIT_NS);
        job_run(job, &(struct run_options){.cancel = &cancel, .failure = &failure});
        cancel_deinit(&cancel);
        LOCK_SCOPE(&scheduler->lock);
        job->failure = failure;
    }
    pthread_mutex_unlock(&scheduler->scrape_lock);
}

struct job *scheduler_find_probe(const struct scheduler *scheduler, const char *name)
{
    struct job *job = scheduler->jobs;

    while (job && (job->plan.collector->lane != LANE_PROBE || strcmp(job->plan.name, name) != 0))
        job = job->next;
    return job;
}

bool scheduler_ready(struct scheduler *scheduler)
{
    LOCK_SCOPE(&scheduler->lock);

    for (struct job *job = scheduler->jobs; job; job = job->next)
        if (job->plan.collector->lane == LANE_INVENTORY && !job->tried)
            return false;
    return true;
}

static bool start_workers(struct scheduler *scheduler, enum lane lane, size_t n, struct error *err)
{
    for (size_t i = 0; i < n && scheduler->n_workers < WORKERS_MAX; i++) {
        struct worker *self = &scheduler->workers[scheduler->n_workers];
        int r;

        *self = (struct worker){.scheduler = scheduler, .queue = &scheduler->queues[lane]};
        r = pthread_create(&self->thread, NULL, worker, self);
        if (r)
            return error_errno(err, r, "cannot start worker %zu", scheduler->n_workers);
        scheduler->n_workers++;
    }
    return true;
}

struct scheduler *scheduler_new(struct board *board, const struct scheduler_options *options,
                                struct error *err)
{
    struct scheduler *scheduler = calloc(1, sizeof(*scheduler));

    if (!scheduler) {
        error_memory(err);
        return NULL;
    }
    scheduler->board = board;
    scheduler->node = options->node;
    scheduler->spread_ns = options->spread_ns;
    scheduler->history = options->history;
    scheduler->demand_distance_ns =
        options->demand_distance_ns > 0 ? options->demand_distance_ns : DEMAND_DISTANCE_NS;
    pthread_mutex_init(&scheduler->lock, NULL);
    pthread_mutex_init(&scheduler->scrape_lock, NULL);
    pthread_cond_init(&scheduler->ended, NULL);
    for (size_t i = 0; i < LANES; i++)
        queue_init(&scheduler->queues[i]);
    if (!demands_start(scheduler, err) ||
        !start_workers(scheduler, LANE_INVENTORY, options->inventory_workers, err) ||
        !start_workers(scheduler, LANE_PROBE, options->probe_workers, err)) {
        scheduler_free(scheduler);
        return NULL;
    }
    return scheduler;
}

static bool is_configured(const struct job *job, const struct config *config)
{
    for (size_t i = 0; i < config->n_jobs; i++)
        if (job_matches(job, &config->jobs[i]))
            return true;
    return false;
}

static bool has_job(const struct scheduler *scheduler, const struct config_job *plan)
{
    const struct job *job = scheduler->jobs;

    while (job && !job_matches(job, plan))
        job = job->next;
    return job != NULL;
}

/* Opens the new jobs of `config`: all of them or none. */
static bool open_fresh(struct scheduler *scheduler, struct config *config, struct node *node,
                       struct job **fresh, struct error *err)
{
    struct job **tail = fresh;

    for (size_t i = 0; i < config->n_jobs; i++) {
        if (has_job(scheduler, &config->jobs[i]))
            continue;
        *tail = job_new(scheduler->board, &config->jobs[i], node, err);
        if (!*tail) {
            jobs_free(*fresh);
            return false;
        }
        tail = &(*tail)->next;
    }
    return true;
}

/* Removes the jobs that are not in `config` (NULL: all) from the list and the board, after their
 * runs were canceled and have ended. Must be called with both locks held. Returns the removed jobs.
 */
static struct job *detach_removed(struct scheduler *scheduler, const struct config *config)
{
    struct job *removed = NULL;

    for (struct job **link = &scheduler->jobs; *link;) {
        struct job *job = *link;

        if (config && is_configured(job, config)) {
            link = &job->next;
            continue;
        }
        *link = job->next;
        job->next = removed;
        removed = job;
        job->removed = true;
        if (job->plan.collector->lane != LANE_SCRAPE)
            queue_remove(scheduler_queue_of(scheduler, job), job);
        if (job->running)
            cancel_now(job->running);
        if (job->watcher)
            watcher_cancel(job->watcher);
    }
    for (struct job *job = removed; job; job = job->next) {
        while (job->running)
            pthread_cond_wait(&scheduler->ended, &scheduler->lock);
        demands_remove_job(scheduler, job);
        job_hide(job);
    }
    return removed;
}

static void init_schedule(const struct scheduler *scheduler, struct job *job)
{
    const struct config_job *plan = &job->plan;
    uint64_t hash = text_hash(text_hash(TEXT_HASH_INIT, scheduler->node), plan->name);

    if (plan->collector->lane == LANE_PROBE)
        schedule_init_probe(&job->schedule, plan->cron, plan->interval_ns, plan->retry_ns,
                            scheduler->spread_ns, hash);
    else
        schedule_init_inventory(&job->schedule, plan->interval_ns);
}

/* If the watcher cannot start, the job runs on its schedule only. */
static void start_watching(struct job *job)
{
    const struct watcher_options options = {.name = job->plan.name,
                                            .collector = job->plan.collector,
                                            .state = job->plan.state,
                                            .changed = run_early,
                                            .arg = job,
                                            .pause_ns = WATCH_PAUSE_NS,
                                            .pause_max_ns = WATCH_PAUSE_MAX_NS};
    struct error err;

    if (!job->plan.collector->watch)
        return;
    job->watcher = watcher_start(&options, &err);
    if (!job->watcher)
        log_warn("collector %s cannot be watched, only its interval applies: %s", job->plan.name,
                 err.message);
}

/* Must be called with both locks held. */
static void attach(struct scheduler *scheduler, struct job *fresh)
{
    const struct moment now = moment_now();
    struct job **end = &scheduler->jobs;

    while (*end)
        end = &(*end)->next;
    *end = fresh;
    for (struct job *job = fresh; job; job = job->next) {
        job->scheduler = scheduler;
        job_show(job);
        if (job->plan.collector->lane == LANE_SCRAPE)
            continue;
        init_schedule(scheduler, job);
        queue_add(scheduler_queue_of(scheduler, job), job, schedule_start(&job->schedule, &now));
        start_watching(job);
    }
}

/* Drops the history of removed probes. A probe with new settings keeps its history. Must be called
 * with the lock held. */
static void drop_history(struct scheduler *scheduler, const struct job *removed)
{
    for (; scheduler->history && removed; removed = removed->next)
        if (removed->plan.collector->lane == LANE_PROBE &&
            !scheduler_find_probe(scheduler, removed->plan.name))
            history_forget(scheduler->history, removed->plan.name);
}

bool scheduler_apply(struct scheduler *scheduler, struct config *config, struct node *node,
                     struct error *err)
{
    struct job *fresh = NULL, *removed;

    if (!open_fresh(scheduler, config, node, &fresh, err))
        return false;
    pthread_mutex_lock(&scheduler->scrape_lock);
    pthread_mutex_lock(&scheduler->lock);
    removed = detach_removed(scheduler, config);
    attach(scheduler, fresh);
    drop_history(scheduler, removed);
    pthread_mutex_unlock(&scheduler->lock);
    pthread_mutex_unlock(&scheduler->scrape_lock);
    jobs_free(removed);
    return true;
}

void scheduler_free(struct scheduler *scheduler)
{
    struct job *removed;

    pthread_mutex_lock(&scheduler->scrape_lock);
    pthread_mutex_lock(&scheduler->lock);
    scheduler->stopping = true;
    removed = detach_removed(scheduler, NULL);
    for (size_t i = 0; i < LANES; i++)
        pthread_cond_broadcast(&scheduler->queues[i].changed);
    pthread_mutex_unlock(&scheduler->lock);
    pthread_mutex_unlock(&scheduler->scrape_lock);
    for (size_t i = 0; i < scheduler->n_workers; i++)
        pthread_join(scheduler->workers[i].thread, NULL);
    demands_stop(scheduler);
    jobs_free(removed);
    for (size_t i = 0; i < LANES; i++)
        queue_deinit(&scheduler->queues[i]);
    pthread_cond_destroy(&scheduler->ended);
    pthread_mutex_destroy(&scheduler->scrape_lock);
    pthread_mutex_destroy(&scheduler->lock);
    free(scheduler);
}
