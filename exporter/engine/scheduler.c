/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/scheduler.h"

#include "base/clock.h"
#include "base/log.h"

#define SNAPSHOT_LIMIT_BYTES ((size_t)4 << 20)

enum {
    SUCCESS,
    FAILURES,
    DURATION,
    FINISHED,
};

static const struct metric_family job_families[] = {
    [SUCCESS] = {METRIC_GAUGE,
                 "exporter_collector_success",
                 "Whether the last run succeeded.",
                 {"collector", "job"}},
    [FAILURES] = {METRIC_COUNTER,
                  "exporter_collector_failures_total",
                  "Runs that failed, by reason.",
                  {"collector", "job", "reason"}},
    [DURATION] = {METRIC_GAUGE,
                  "exporter_collector_duration_seconds",
                  "How long the last run took.",
                  {"collector", "job"}},
    [FINISHED] = {METRIC_GAUGE,
                  "exporter_collector_last_run_timestamp_seconds",
                  "When the last run ended.",
                  {"collector", "job"}},
    {0},
};

struct job {
    struct job_plan plan;
    void *state;
    struct board_slot *slot;        /* what the collector measured */
    struct board_slot *report_slot; /* how the run itself went */
    struct job *next;               /* in the queue, ordered by due_ns; unused while running */
    int64_t due_ns;
    struct cancel *running; /* NULL unless a worker has it */
    bool removed;
    bool failing; /* so that only changes are logged */
    unsigned failures[ERROR_CODES];
};

struct scheduler {
    struct board *board;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct job *queue;
    struct job *all[64];
    size_t n_all;
    bool stopping;
    size_t n_workers;
    pthread_t workers[];
};

static void enqueue(struct scheduler *scheduler, struct job *job, int64_t due_ns)
{
    struct job **place = &scheduler->queue;

    job->due_ns = due_ns;
    while (*place && (*place)->due_ns <= due_ns)
        place = &(*place)->next;
    job->next = *place;
    *place = job;
    pthread_cond_broadcast(&scheduler->changed);
}

static void dequeue(struct scheduler *scheduler, struct job *job)
{
    struct job **place = &scheduler->queue;

    while (*place && *place != job)
        place = &(*place)->next;
    if (*place)
        *place = job->next;
}

/* Waits for a job to be due. NULL when stopping. Called and returns with the lock held. */
static struct job *next_job(struct scheduler *scheduler)
{
    while (!scheduler->stopping) {
        struct job *job = scheduler->queue;
        struct timespec until;

        if (!job) {
            pthread_cond_wait(&scheduler->changed, &scheduler->lock);
            continue;
        }
        if (job->due_ns <= clock_now_ns()) {
            scheduler->queue = job->next;
            return job;
        }
        until = clock_timespec(job->due_ns);
        pthread_cond_timedwait(&scheduler->changed, &scheduler->lock, &until);
    }
    return NULL;
}

/* Logs changes only: a target that is down for a day is one line. */
static void log_change(struct job *job, bool ok, const struct error *err)
{
    if (ok && job->failing)
        log_line(LOG_INFO, "scheduler", "%s works again", job->plan.name);
    if (!ok && !job->failing)
        log_line(LOG_WARN, "scheduler", "%s fails (%s): %s", job->plan.name,
                 error_code_name(err->code), err->message);
    job->failing = !ok;
}

static void post_report(struct job *job, bool ok, const struct error *err, int64_t start_ns)
{
    CLEANUP(snapshot_unrefp) struct snapshot *report = snapshot_new(job_families, 4096);
    const char *collector = job->plan.collector->name;
    const char *name = job->plan.name;

    if (!report)
        return;
    if (!ok)
        job->failures[err->code]++;
    snapshot_add(report, SUCCESS, ok, collector, name);
    for (size_t code = 0; code < ERROR_CODES; code++)
        if (job->failures[code])
            snapshot_add(report, FAILURES, job->failures[code], collector, name,
                         error_code_name(code));
    snapshot_add(report, DURATION, ns_to_seconds(clock_now_ns() - start_ns), collector, name);
    snapshot_add(report, FINISHED, clock_unix_seconds(), collector, name);
    board_post(job->report_slot, report);
}

static void run_once(struct job *job, struct cancel *cancel)
{
    const struct collector *collector = job->plan.collector;
    int64_t start_ns = clock_now_ns();
    CLEANUP(snapshot_unrefp)
    struct snapshot *out = snapshot_new(collector->families, SNAPSHOT_LIMIT_BYTES);
    struct error err;
    bool ok = true;

    if (!out)
        ok = error_set(&err, ERROR_MEMORY, "out of memory");
    ok = ok && collector->run(job->state, out, cancel, &err) && snapshot_ok(out, &err);
    if (out)
        board_post(job->slot, out);
    post_report(job, ok, &err, start_ns);
    log_change(job, ok, &err);
}

static void job_free(struct job *job)
{
    if (job->plan.collector->close)
        job->plan.collector->close(job->state);
    if (job->slot)
        board_remove(job->slot);
    if (job->report_slot)
        board_remove(job->report_slot);
    free(job->state);
    free(job);
}

/* Called and returns with the lock held; the job is off the queue. */
static void run_unlocked(struct scheduler *scheduler, struct job *job)
{
    struct cancel cancel;

    cancel_init(&cancel, clock_now_ns() + job->plan.timeout_ns);
    job->running = &cancel;
    pthread_mutex_unlock(&scheduler->lock);
    run_once(job, &cancel);
    pthread_mutex_lock(&scheduler->lock);
    job->running = NULL;
    cancel_deinit(&cancel);
    pthread_cond_broadcast(&scheduler->changed);
}

static void *worker(void *arg)
{
    struct scheduler *scheduler = arg;
    struct job *job;
    LOCK_SCOPE(&scheduler->lock);

    while ((job = next_job(scheduler))) {
        run_unlocked(scheduler, job);
        if (!job->removed)
            enqueue(scheduler, job, job->due_ns + job->plan.interval_ns);
    }
    return NULL;
}

void scheduler_refresh(struct scheduler *scheduler)
{
    LOCK_SCOPE(&scheduler->lock);

    for (size_t i = 0; i < scheduler->n_all; i++) {
        struct job *job = scheduler->all[i];

        if (job->plan.collector->on_scrape && !job->running && !job->removed)
            run_unlocked(scheduler, job);
    }
}

struct scheduler *scheduler_new(struct board *board, size_t n_workers, struct error *err)
{
    struct scheduler *scheduler = calloc(1, sizeof(*scheduler) + n_workers * sizeof(pthread_t));
    pthread_condattr_t attr;

    if (!scheduler) {
        error_set(err, ERROR_MEMORY, "out of memory");
        return NULL;
    }
    scheduler->board = board;
    pthread_mutex_init(&scheduler->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&scheduler->changed, &attr);
    pthread_condattr_destroy(&attr);
    for (; scheduler->n_workers < n_workers; scheduler->n_workers++) {
        int r = pthread_create(&scheduler->workers[scheduler->n_workers], NULL, worker, scheduler);

        if (r) {
            error_errno(err, r, "cannot start worker %zu", scheduler->n_workers);
            scheduler_free(scheduler);
            return NULL;
        }
    }
    return scheduler;
}

struct job *scheduler_add(struct scheduler *scheduler, const struct job_plan *plan, void *state)
{
    struct job *job = calloc(1, sizeof(*job));

    if (!job)
        return NULL;
    job->plan = *plan;
    job->state = state;
    job->slot = board_add(scheduler->board, plan->collector->families);
    job->report_slot = board_add(scheduler->board, job_families);
    if (!job->slot || !job->report_slot) {
        job_free(job);
        return NULL;
    }

    LOCK_SCOPE(&scheduler->lock);
    scheduler->all[scheduler->n_all++] = job;
    if (!plan->collector->on_scrape)
        enqueue(scheduler, job, clock_now_ns());
    return job;
}

static void detach(struct scheduler *scheduler, struct job *job)
{
    LOCK_SCOPE(&scheduler->lock);

    job->removed = true;
    dequeue(scheduler, job);
    for (size_t i = 0; i < scheduler->n_all; i++)
        if (scheduler->all[i] == job)
            scheduler->all[i] = scheduler->all[--scheduler->n_all];
    if (job->running)
        cancel_now(job->running);
    while (job->running)
        pthread_cond_wait(&scheduler->changed, &scheduler->lock);
}

void scheduler_remove(struct scheduler *scheduler, struct job *job)
{
    detach(scheduler, job);
    job_free(job);
}

static void stop(struct scheduler *scheduler)
{
    LOCK_SCOPE(&scheduler->lock);

    scheduler->stopping = true;
    for (size_t i = 0; i < scheduler->n_all; i++)
        if (scheduler->all[i]->running)
            cancel_now(scheduler->all[i]->running);
    pthread_cond_broadcast(&scheduler->changed);
}

void scheduler_free(struct scheduler *scheduler)
{
    stop(scheduler);
    for (size_t i = 0; i < scheduler->n_workers; i++)
        pthread_join(scheduler->workers[i], NULL);
    while (scheduler->n_all > 0)
        job_free(scheduler->all[--scheduler->n_all]);
    pthread_cond_destroy(&scheduler->changed);
    pthread_mutex_destroy(&scheduler->lock);
    free(scheduler);
}
