/* SPDX-License-Identifier: Apache-2.0 */
#include "support/scheduler_fixture.h"

#include <stdio.h>
#include <string.h>

#define PATIENCE_S       60
#define FAKE_STATE_BYTES ((size_t)4096)

pthread_mutex_t fake_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t fake_changed = PTHREAD_COND_INITIALIZER;

const struct metric_family fake_families[] = {
    [FAKE_RUNS] = {METRIC_COUNTER, "fake_runs_total", "Runs.", {"name"}},
    {0},
};

/* Aborts instead of failing the test, because any thread may call it. */
static void fake_wait_locked(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    if (pthread_cond_timedwait(&fake_changed, &fake_lock, &until) != 0)
        abort();
}

void fake_await(const unsigned *counter, unsigned least)
{
    LOCK_SCOPE(&fake_lock);

    while (*counter < least)
        fake_wait_locked();
}

unsigned fake_get(const unsigned *counter)
{
    LOCK_SCOPE(&fake_lock);

    return *counter;
}

void fake_set(bool *flag, bool value)
{
    LOCK_SCOPE(&fake_lock);

    *flag = value;
    pthread_cond_broadcast(&fake_changed);
}

static bool fake_open(void *state, const struct job_context *context, struct error *err)
{
    struct fake_state *job = state;
    LOCK_SCOPE(&fake_lock);

    if (job->fake->refuses_to_open)
        return error_set(err, ERROR_INVALID, "cannot open");
    snprintf(job->label, sizeof(job->label), "%s", context->name);
    job->fake->opened++;
    job->fake->seen_node = context->node;
    pthread_cond_broadcast(&fake_changed);
    return true;
}

static void fake_close(void *state)
{
    struct fake_state *job = state;
    LOCK_SCOPE(&fake_lock);

    job->fake->closed++;
    pthread_cond_broadcast(&fake_changed);
}

static void fake_begin(const void *state, struct snapshot *out)
{
    const struct fake_state *job = state;

    snapshot_add(out, FAKE_RUNS, 0, job->label);
}

static int64_t fake_slow_ns(const void *state)
{
    const struct fake_state *job = state;

    return job->fake->slow_ns;
}

static void fake_wake(void *arg)
{
    struct fake *fake = arg;
    LOCK_SCOPE(&fake_lock);

    fake->canceled++;
    pthread_cond_broadcast(&fake_changed);
}

/* Blocks like a client, until the cancel wakes it or has been canceled before. */
static bool fake_hang(struct fake *fake, struct cancel *cancel, struct error *err)
{
    struct cancel_watcher watcher = {.wake = fake_wake, .arg = fake};
    bool hanging = false;
    bool watched = cancel_watch(cancel, &watcher, err);

    if (!watched && err->code != ERROR_CANCELED)
        return false;
    if (!watched)
        fake_wake(fake);
    pthread_mutex_lock(&fake_lock);
    while (fake->deaf || (fake->hangs && fake->canceled == 0)) {
        if (!hanging) {
            fake->hanging++;
            pthread_cond_broadcast(&fake_changed);
        }
        hanging = true;
        fake_wait_locked();
    }
    fake->hanging -= hanging;
    pthread_mutex_unlock(&fake_lock);
    if (watched)
        cancel_unwatch(cancel, &watcher);
    return cancel_check(cancel, err);
}

static void fake_enter(struct fake *fake, struct run *run)
{
    LOCK_SCOPE(&fake_lock);

    fake->deadline_ns = run->cancel->deadline_ns;
    fake->shortened = run->deadline_shortened;
    run->skipped = fake->skips;
    if (fake->seconds > 0)
        run->record->seconds = fake->seconds;
    if (fake->warns)
        error_set(&run->warning, ERROR_INVALID, "configured warning");
    fake->retries += run->retry;
    fake->runs++;
    fake->running++;
    if (fake->running > fake->most_at_once)
        fake->most_at_once = fake->running;
    pthread_cond_broadcast(&fake_changed);
}

static enum error_code fake_leave(struct fake *fake)
{
    LOCK_SCOPE(&fake_lock);

    fake->running--;
    fake->ended++;
    pthread_cond_broadcast(&fake_changed);
    return fake->outcome;
}

static void fake_add_samples(struct fake_state *job, struct snapshot *out)
{
    size_t n = job->fake->too_many_samples ? 1000000 : 1;
    struct error err;

    while (n-- > 0 && snapshot_ok(out, &err))
        snapshot_add(out, FAKE_RUNS, job->count, job->label);
}

static bool fake_run(void *state, struct run *run, struct error *err)
{
    struct fake_state *job = state;
    bool ok;
    enum error_code outcome;

    job->count++;
    fake_add_samples(job, run->out);
    fake_enter(job->fake, run);
    ok = fake_hang(job->fake, run->cancel, err);
    outcome = fake_leave(job->fake);
    if (!ok)
        return false;
    return outcome == ERROR_NONE ||
           error_set(err, outcome, "%s",
                     job->fake->words ? job->fake->words : "configured failure");
}

static void fake_wake_watch(void *arg)
{
    struct fake *fake = arg;
    LOCK_SCOPE(&fake_lock);

    fake->watch_canceled++;
    pthread_cond_broadcast(&fake_changed);
}

static bool fake_watch(void *state, struct cancel *cancel, struct error *err)
{
    struct fake *fake = ((struct fake_state *)state)->fake;
    struct cancel_watcher watcher = {.wake = fake_wake_watch, .arg = fake};
    bool changed;

    if (!cancel_watch(cancel, &watcher, err))
        return false;
    pthread_mutex_lock(&fake_lock);
    fake->watches++;
    fake->watching++;
    pthread_cond_broadcast(&fake_changed);
    while (!fake->watch_fails && fake->changes == 0 && fake->watch_canceled == 0)
        pthread_cond_wait(&fake_changed, &fake_lock);
    changed = !fake->watch_fails && fake->watch_canceled == 0;
    if (changed)
        fake->changes--;
    fake->watching--;
    pthread_mutex_unlock(&fake_lock);
    cancel_unwatch(cancel, &watcher);
    return changed || error_set(err, ERROR_RUNTIME_UNAVAILABLE, "cannot watch");
}

void fake_change(struct fake *fake, unsigned times)
{
    LOCK_SCOPE(&fake_lock);

    fake->changes += times;
    pthread_cond_broadcast(&fake_changed);
}

#define FAKE_COLLECTOR(the_name, the_lane)                                                      \
    {                                                                                           \
        .name = (the_name), .families = fake_families, .state_size = sizeof(struct fake_state), \
        .lane = (the_lane), .open = fake_open, .close = fake_close, .begin = fake_begin,        \
        .slow_ns = fake_slow_ns, .run = fake_run                                                \
    }

const struct collector fake_inventory = FAKE_COLLECTOR("fake_inventory", LANE_INVENTORY);
const struct collector fake_probe = FAKE_COLLECTOR("fake_probe", LANE_PROBE);
const struct collector fake_watched = {
    .name = "fake_watched",
    .families = fake_families,
    .state_size = sizeof(struct fake_state),
    .lane = LANE_INVENTORY,
    .open = fake_open,
    .close = fake_close,
    .watch = fake_watch,
    .run = fake_run,
};
const struct collector fake_scrape = FAKE_COLLECTOR("fake_scrape", LANE_SCRAPE);

void fake_config_init(struct config *config)
{
    *config = (struct config){.jobs = calloc(FAKE_JOBS_MAX, sizeof(*config->jobs))};
    assert_non_null(config->jobs);
}

struct config_job *fake_job(struct config *config, const struct collector *collector,
                            const char *name, const char *settings, struct fake *fake)
{
    struct config_job *job = &config->jobs[config->n_jobs++];
    struct arena *arena = malloc(sizeof(*arena));
    struct fake_state *state = calloc(1, sizeof(*state));

    assert_in_range(config->n_jobs, 1, FAKE_JOBS_MAX);
    assert_non_null(arena);
    assert_non_null(state);
    *arena = (struct arena)ARENA_INIT(FAKE_STATE_BYTES);
    state->fake = fake;
    *job = (struct config_job){
        .collector = collector,
        .name = arena_strdup(arena, name),
        .fingerprint = arena_strdup(arena, settings),
        .enabled = true,
        .interval_ns = FAKE_OFTEN_NS,
        .timeout_ns = FAKE_SELDOM_NS,
        .arena = arena,
        .state = state,
    };
    return job;
}
