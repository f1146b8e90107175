/* SPDX-License-Identifier: Apache-2.0 */
/* Runs on demand: answers, cancellation and effects on the schedule. */
#include "support/scheduler_fixture.h"

#include "base/log.h"
#include "scheduler/demand.h"
#include "scheduler/scheduler.h"
#include "scheduler/scheduler_view.h"
#include "support/failures.h"

#include <stdio.h>
#include <string.h>

#define NO_DISTANCE   1
#define HISTORY_BYTES ((size_t)1 << 20)
#define DEMANDS_MAX   64

struct world {
    struct board *board;
    struct history *history;
    struct scheduler *scheduler;
};

static void world_init(struct world *world, int64_t distance_ns)
{
    struct error err;

    world->board = board_new();
    world->history = history_new(10, HISTORY_BYTES, &err);
    assert_non_null(world->board);
    assert_non_null(world->history);
    world->scheduler = scheduler_new(world->board,
                                     &(struct scheduler_options){.inventory_workers = 1,
                                                                 .probe_workers = 1,
                                                                 .node = "node",
                                                                 .history = world->history,
                                                                 .demand_distance_ns = distance_ns},
                                     &err);
    assert_non_null(world->scheduler);
}

static void world_deinit(struct world *world)
{
    if (world->scheduler)
        scheduler_free(world->scheduler);
    history_free(world->history);
    board_free(world->board);
}

/* A probe that runs once at the start, then after an hour. */
static void add_probe(struct config *config, const char *name, struct fake *fake)
{
    struct config_job *job = fake_job(config, &fake_probe, name, "1", fake);

    job->interval_ns = FAKE_SELDOM_NS;
    job->retry_ns = 0;
}

static void apply(struct world *world, struct config *config)
{
    struct error err;

    if (!scheduler_apply(world->scheduler, config, NULL, &err))
        fail_msg("%s", err.message);
    config_deinit(config);
}

struct status {
    unsigned count;
    bool running;
    double next_unix;
    int64_t slow_ns;
};

static void add_status(void *arg, const struct probe_status *probe)
{
    struct status *status = arg;

    status->count++;
    status->running |= probe->running;
    status->next_unix = probe->next_unix;
    status->slow_ns = probe->slow_ns;
}

/* The scheduler notices the end of a run a little later than the collector. */
static struct status await_idle(struct world *world)
{
    struct status status;

    do {
        status = (struct status){0};
        scheduler_probes(world->scheduler, add_status, &status);
    } while (status.running);
    return status;
}

static void apply_one(struct world *world, struct fake *fake)
{
    struct config config;

    fake_config_init(&config);
    add_probe(&config, "x", fake);
    apply(world, &config);
    fake_await(&fake->ended, 1); /* the first run */
    await_idle(world);
}

/* A caller, and the arguments that its done() received. Protected by fake_lock. */
struct caller {
    unsigned calls;
    bool nothing, cached;
    enum error_code reason;
    enum run_trigger trigger;
    char id[RUN_ID_BYTES], message[64];
    struct demand *demand;
};

static void record_call(void *arg, const struct run_record *record, bool cached)
{
    struct caller *caller = arg;
    LOCK_SCOPE(&fake_lock);

    caller->calls++;
    caller->nothing = !record;
    caller->cached = cached;
    if (record) {
        caller->reason = record->reason;
        caller->trigger = record->trigger;
        strcpy(caller->id, record->id);
        snprintf(caller->message, sizeof(caller->message), "%s", record->message);
    }
    pthread_cond_broadcast(&fake_changed);
}

static void demand_until(struct world *world, const char *probe, int64_t deadline_ns,
                         struct caller *caller)
{
    struct error err;

    *caller = (struct caller){0};
    caller->demand = scheduler_demand(
        world->scheduler,
        &(struct demand_options){
            .probe = probe, .deadline_ns = deadline_ns, .done = record_call, .arg = caller},
        &err);
    assert_non_null(caller->demand);
}

static void demand(struct world *world, const char *probe, struct caller *caller)
{
    demand_until(world, probe, clock_now_ns() + FAKE_SELDOM_NS, caller);
}

static void await_call(struct world *world, struct caller *caller)
{
    fake_await(&caller->calls, 1);
    scheduler_demand_drop(world->scheduler, caller->demand);
    assert_int_equal(caller->calls, 1);
}

static void runs_now_and_returns_the_record(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(history_list_freep) struct history_list *list = NULL;
    static struct fake fake;
    struct caller caller;

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    demand(&world, "x", &caller);
    await_call(&world, &caller);
    assert_false(caller.nothing);
    assert_false(caller.cached);
    assert_int_equal(caller.reason, ERROR_NONE);
    assert_int_equal(caller.trigger, RUN_DEMAND);
    assert_int_equal(fake_get(&fake.runs), 2);
    list = history_find(world.history, "x", caller.id, 0);
    assert_int_equal(list->count, 1);
}

static void returns_failures_with_their_reason(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake = {.outcome = ERROR_TLS};
    struct caller caller;

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    demand(&world, "x", &caller);
    await_call(&world, &caller);
    assert_int_equal(caller.reason, ERROR_TLS);
    assert_string_equal(caller.message, "configured failure");
}

static void joins_a_run_in_progress(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct caller callers[3];

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    fake_set(&fake.deaf, true);
    demand(&world, "x", &callers[0]);
    fake_await(&fake.hanging, 1);
    demand(&world, "x", &callers[1]);
    demand(&world, "x", &callers[2]);
    fake_set(&fake.deaf, false);
    for (size_t i = 0; i < 3; i++)
        await_call(&world, &callers[i]);
    assert_string_equal(callers[0].id, callers[1].id);
    assert_string_equal(callers[0].id, callers[2].id);
    assert_int_equal(fake_get(&fake.runs), 2);
}

static void returns_the_last_run_within_the_minimum_distance(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct caller first, second;

    (void)state;
    world_init(&world, FAKE_SELDOM_NS);
    apply_one(&world, &fake);
    demand(&world, "x", &first);
    await_call(&world, &first);
    demand(&world, "x", &second);
    await_call(&world, &second);
    assert_true(first.cached);
    assert_true(second.cached);
    assert_int_equal(second.trigger, RUN_SCHEDULED);
    assert_string_equal(first.id, second.id);
    assert_int_equal(fake_get(&fake.runs), 1);
}

static void returns_the_reason_of_a_skipped_run(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct caller caller;

    (void)state;
    world_init(&world, FAKE_SELDOM_NS);
    fake.skips = true;
    fake.outcome = ERROR_RATE_LIMITED;
    apply_one(&world, &fake);
    demand(&world, "x", &caller);
    await_call(&world, &caller);
    assert_int_equal(caller.reason, ERROR_RATE_LIMITED);
    assert_int_equal(history_stats(world.history).records, 0);
}

static void returns_null_at_the_deadline_if_all_threads_are_busy(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake busy, other;
    struct caller first, caller;
    struct config config;

    (void)state;
    world_init(&world, NO_DISTANCE);
    fake_config_init(&config);
    add_probe(&config, "busy", &busy);
    add_probe(&config, "other", &other);
    apply(&world, &config);
    fake_await(&busy.ended, 1);
    fake_await(&other.ended, 1);
    await_idle(&world);
    fake_set(&busy.deaf, true);
    demand(&world, "busy", &first);
    fake_await(&busy.hanging, 1);
    demand_until(&world, "other", clock_now_ns() + 1, &caller);
    await_call(&world, &caller);
    assert_true(caller.nothing);
    fake_set(&busy.deaf, false);
    await_call(&world, &first);
    assert_int_equal(fake_get(&other.runs), 1); /* nor does it run afterwards */
}

static void answers_each_demand_at_its_own_deadline(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake busy, other;
    struct caller running, patient, first, second;
    struct config config;

    (void)state;
    world_init(&world, NO_DISTANCE);
    fake_config_init(&config);
    add_probe(&config, "busy", &busy);
    add_probe(&config, "other", &other);
    apply(&world, &config);
    fake_await(&busy.ended, 1);
    fake_await(&other.ended, 1);
    await_idle(&world);
    fake_set(&busy.deaf, true);
    demand(&world, "busy", &running);
    fake_await(&busy.hanging, 1);
    demand_until(&world, "other", clock_now_ns() + 20 * NS_PER_MS, &first);
    demand(&world, "other", &patient);
    await_call(&world, &first);
    demand_until(&world, "other", clock_now_ns() + 20 * NS_PER_MS, &second);
    await_call(&world, &second);
    assert_true(first.nothing && second.nothing);
    assert_int_equal(fake_get(&patient.calls), 0);
    fake_set(&busy.deaf, false);
    await_call(&world, &running);
    await_call(&world, &patient); /* the probe still runs for it */
    assert_false(patient.nothing);
}

static void ends_the_run_at_the_deadline(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct caller caller;

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    fake.outcome = ERROR_NONE;
    demand_until(&world, "x", clock_now_ns() + 100 * NS_PER_MS, &caller);
    await_call(&world, &caller); /* success, timeout or NULL, but within an hour */
    assert_int_equal(caller.calls, 1);
    demand_until(&world, "x", clock_now_ns() - 1, &caller);
    await_call(&world, &caller);
    assert_true(caller.nothing || caller.reason == ERROR_TIMEOUT);
}

/* One run on demand for a client that gives this much time; the probe has an hour. Returns whether
 * the run would say nothing about the node. */
static bool is_shortened(struct world *world, struct fake *fake, int64_t given_ns, bool shortened)
{
    int64_t deadline_ns = clock_now_ns() + given_ns;
    struct caller caller = {0};
    struct error err;

    caller.demand = scheduler_demand(world->scheduler,
                                     &(struct demand_options){.probe = "x",
                                                              .deadline_ns = deadline_ns,
                                                              .shortened = shortened,
                                                              .done = record_call,
                                                              .arg = &caller},
                                     &err);
    assert_non_null(caller.demand);
    await_call(world, &caller);
    assert_false(caller.nothing);
    assert_true(fake->deadline_ns <= deadline_ns);
    return fake->shortened;
}

static void only_a_client_with_less_time_shortens_a_run(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    unsigned attempts = 0;

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    assert_false(is_shortened(&world, &fake, 2 * FAKE_SELDOM_NS, false));
    assert_false(is_shortened(&world, &fake, 24 * FAKE_SELDOM_NS, false));
    assert_true(is_shortened(&world, &fake, FAKE_SELDOM_NS - 1, true));
    assert_true(is_shortened(&world, &fake, FAKE_SELDOM_NS / 2, true));
    assert_true(is_shortened(&world, &fake, FAKE_SELDOM_NS / 2, false)); /* it waited in between */
    while (is_shortened(&world, &fake, FAKE_SELDOM_NS, false))           /* on a busy machine */
        assert_true(++attempts < 100);
}

static void pass_deadline(struct fake *fake)
{
    const struct timespec until = clock_timespec(fake->deadline_ns + 1);

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    fake_set(&fake->deaf, false);
}

/* The second client has joined the run, which ends at the deadline of the first one. */
static void a_patient_client_gets_a_run_of_its_own(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct caller hurried, patient;

    (void)state;
    world_init(&world, FAKE_SELDOM_NS);
    fake.skips = true; /* leaves no recent record */
    apply_one(&world, &fake);
    fake.skips = false;
    fake_set(&fake.deaf, true);
    demand_until(&world, "x", clock_now_ns() + NS_PER_SECOND / 5, &hurried);
    fake_await(&fake.hanging, 1);
    demand(&world, "x", &patient);
    pass_deadline(&fake);
    await_call(&world, &hurried);
    await_call(&world, &patient);
    assert_true(hurried.nothing || hurried.reason == ERROR_TIMEOUT);
    assert_false(patient.nothing);
    assert_int_equal(patient.reason, ERROR_NONE);
    assert_int_equal(fake_get(&fake.runs), 3);
}

static void cancels_a_run_without_demands(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct caller first, second, third;

    (void)state;
    world_init(&world, FAKE_SELDOM_NS);
    fake.skips = true; /* leaves no recent record */
    apply_one(&world, &fake);
    fake.skips = false;
    fake_set(&fake.hangs, true);
    demand(&world, "x", &first);
    fake_await(&fake.hanging, 1);
    demand(&world, "x", &second);
    scheduler_demand_cancel(world.scheduler, &first);
    await_call(&world, &first);
    assert_true(first.nothing);
    assert_int_equal(fake_get(&fake.canceled), 0); /* the second demand is left */
    scheduler_demand_cancel(world.scheduler, &second);
    await_call(&world, &second);
    fake_await(&fake.canceled, 1);
    fake_await(&fake.ended, 2);
    await_idle(&world);
    fake_set(&fake.hangs, false);
    demand(&world, "x", &third); /* must not receive the canceled run */
    await_call(&world, &third);
    assert_false(third.nothing);
    assert_int_equal(third.reason, ERROR_NONE);
    scheduler_demand_cancel(world.scheduler, &third); /* no longer waiting */
}

static void ends_all_waits_before_a_shutdown(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct demand_options late = {.probe = "x"};
    struct caller caller;
    struct error err;

    (void)state;
    world_init(&world, FAKE_SELDOM_NS);
    fake.skips = true; /* leaves no recent record */
    apply_one(&world, &fake);
    fake.skips = false;
    fake_set(&fake.hangs, true);
    demand(&world, "x", &caller);
    fake_await(&fake.hanging, 1);
    scheduler_demand_end(world.scheduler);
    await_call(&world, &caller);
    assert_true(caller.nothing);
    fake_await(&fake.canceled, 1);
    assert_null(scheduler_demand(world.scheduler, &late, &err));
    assert_int_equal(err.code, ERROR_CANCELED);
}

static void does_not_cancel_a_scheduled_run(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake = {.deaf = true};
    struct caller caller;
    struct config config;

    (void)state;
    world_init(&world, NO_DISTANCE);
    fake_config_init(&config);
    add_probe(&config, "x", &fake);
    apply(&world, &config);
    fake_await(&fake.hanging, 1);
    demand(&world, "x", &caller);
    scheduler_demand_drop(world.scheduler, caller.demand);
    assert_int_equal(caller.calls, 0);
    assert_int_equal(fake_get(&fake.canceled), 0);
    fake_set(&fake.deaf, false);
    fake_await(&fake.ended, 1);
}

static void does_not_run_for_a_dropped_demand(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake busy, other;
    struct caller first, second;
    struct config config;

    (void)state;
    world_init(&world, NO_DISTANCE);
    fake_config_init(&config);
    add_probe(&config, "busy", &busy);
    add_probe(&config, "other", &other);
    apply(&world, &config);
    fake_await(&busy.ended, 1);
    fake_await(&other.ended, 1);
    await_idle(&world);
    fake_set(&busy.deaf, true);
    demand(&world, "busy", &first);
    fake_await(&busy.hanging, 1);
    demand(&world, "other", &second);
    scheduler_demand_drop(world.scheduler, second.demand);
    fake_set(&busy.deaf, false);
    await_call(&world, &first);
    demand(&world, "busy", &first);
    await_call(&world, &first);
    assert_int_equal(fake_get(&other.runs), 1);
    assert_int_equal(second.calls, 0);
}

static void rejects_unknown_probes_and_too_many_demands(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    static struct caller callers[DEMANDS_MAX];
    struct demand_options options = {.probe = "y",
                                     .deadline_ns = clock_now_ns() + FAKE_SELDOM_NS,
                                     .done = record_call,
                                     .arg = &callers[0]};
    struct error err;

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    assert_null(scheduler_demand(world.scheduler, &options, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    fake_set(&fake.deaf, true);
    for (size_t i = 0; i < DEMANDS_MAX; i++)
        demand(&world, "x", &callers[i]);
    options.probe = "x";
    assert_null(scheduler_demand(world.scheduler, &options, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    fake_set(&fake.deaf, false);
    for (size_t i = 0; i < DEMANDS_MAX; i++)
        await_call(&world, &callers[i]);
}

static void answers_all_demands_of_a_removed_probe(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake busy, other;
    struct caller running, waiting;
    struct config config;

    (void)state;
    world_init(&world, NO_DISTANCE);
    fake_config_init(&config);
    add_probe(&config, "busy", &busy);
    add_probe(&config, "other", &other);
    apply(&world, &config);
    fake_await(&busy.ended, 1);
    fake_await(&other.ended, 1);
    await_idle(&world);
    fake_set(&busy.hangs, true);
    demand(&world, "busy", &running);
    fake_await(&busy.hanging, 1);
    demand(&world, "other", &waiting);
    fake_config_init(&config);
    apply(&world, &config);
    await_call(&world, &running);
    await_call(&world, &waiting);
    assert_int_equal(running.reason, ERROR_CANCELED);
    assert_true(waiting.nothing);
    assert_int_equal(history_stats(world.history).records, 0); /* dropped with the probe */
}

static void *apply_nothing(void *arg)
{
    struct config config;

    fake_config_init(&config);
    apply(arg, &config);
    return NULL;
}

/* While a reload waits for one run, a demand for another probe is dropped. */
static void does_not_run_a_removed_probe_after_its_demand_was_dropped(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake busy, other;
    struct caller running, waiting;
    struct config config;
    pthread_t reload;
    unsigned runs;

    (void)state;
    world_init(&world, NO_DISTANCE);
    fake_config_init(&config);
    fake_job(&config, &fake_probe, "other", "1", &other);
    add_probe(&config, "busy", &busy); /* the reload waits for it first */
    apply(&world, &config);
    fake_await(&busy.ended, 1);
    fake_await(&other.ended, 1);
    await_idle(&world);
    fake_set(&busy.deaf, true);
    demand(&world, "busy", &running);
    fake_await(&busy.hanging, 1);
    demand(&world, "other", &waiting);
    runs = fake_get(&other.runs);
    assert_int_equal(pthread_create(&reload, NULL, apply_nothing, &world), 0);
    fake_await(&busy.canceled, 1);
    scheduler_demand_drop(world.scheduler, waiting.demand);
    fake_set(&busy.deaf, false);
    pthread_join(reload, NULL);
    await_call(&world, &running);
    assert_int_equal(other.closed, 1);
    assert_int_equal(fake_get(&other.runs), runs);
}

static void answers_all_demands_on_shutdown(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct caller running;

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    fake_set(&fake.hangs, true);
    demand(&world, "x", &running);
    fake_await(&fake.hanging, 1);
    scheduler_free(TAKE(world.scheduler));
    assert_int_equal(running.calls, 1);
}

/* Drops its demand in done(). */
struct page {
    struct scheduler *scheduler;
    struct demand *demand;
    pthread_mutex_t lock;
    unsigned calls;
};

static void drop_in_done(void *arg, const struct run_record *record, bool cached)
{
    struct page *page = arg;

    (void)record;
    (void)cached;
    pthread_mutex_lock(&page->lock); /* until `demand` is set */
    pthread_mutex_unlock(&page->lock);
    scheduler_demand_drop(page->scheduler, page->demand);
    pthread_mutex_lock(&fake_lock);
    page->calls++;
    pthread_cond_broadcast(&fake_changed);
    pthread_mutex_unlock(&fake_lock);
}

static void may_be_dropped_in_done(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct page page = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct error err;

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    page.scheduler = world.scheduler;
    for (unsigned i = 1; i <= 3; i++) {
        pthread_mutex_lock(&page.lock);
        page.demand = scheduler_demand(
            world.scheduler,
            &(struct demand_options){.probe = "x",
                                     .deadline_ns = clock_now_ns() + FAKE_SELDOM_NS,
                                     .done = drop_in_done,
                                     .arg = &page},
            &err);
        pthread_mutex_unlock(&page.lock);
        assert_non_null(page.demand);
        fake_await(&page.calls, i);
    }
}

static void writes_into_the_progress_of_the_demand(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(history_list_freep) struct history_list *list = NULL;
    static struct fake fake;
    struct caller caller = {0};
    struct progress progress;
    struct error err;

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    progress_init(&progress);
    fake_set(&fake.hangs, true);
    caller.demand =
        scheduler_demand(world.scheduler,
                         &(struct demand_options){.probe = "x",
                                                  .deadline_ns = clock_now_ns() + FAKE_SELDOM_NS,
                                                  .progress = &progress,
                                                  .done = record_call,
                                                  .arg = &caller},
                         &err);
    assert_non_null(caller.demand);
    fake_await(&fake.hanging, 1);
    scheduler_demand_drop(world.scheduler, caller.demand); /* waits for the end of the run */
    assert_int_equal(fake_get(&fake.ended), 2);
    list = history_find(world.history, "x", progress.id, 0);
    assert_int_equal(list->count, 1);
    assert_int_equal(list->records[0]->reason, ERROR_CANCELED);
    progress_deinit(&progress);
}

static void shows_probes_with_their_next_run(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake = {.slow_ns = 7 * NS_PER_SECOND}, inventory;
    struct caller caller;
    struct status status = {0}, after;
    struct config config;

    (void)state;
    world_init(&world, NO_DISTANCE);
    fake_config_init(&config);
    add_probe(&config, "x", &fake);
    fake_job(&config, &fake_inventory, "inventory", "1", &inventory);
    apply(&world, &config);
    demand(&world, "x", &caller);
    await_call(&world, &caller);
    await_idle(&world);
    fake_set(&fake.deaf, true);
    demand(&world, "x", &caller);
    fake_await(&fake.hanging, 1);
    scheduler_probes(world.scheduler, add_status, &status);
    assert_int_equal(status.count, 1);
    assert_true(status.running);
    assert_true(status.next_unix == 0);
    assert_int_equal(status.slow_ns, 7 * NS_PER_SECOND);
    fake_set(&fake.deaf, false);
    await_call(&world, &caller);
    after = await_idle(&world);
    assert_true(after.next_unix > clock_unix_seconds());
    assert_true(after.next_unix <= clock_unix_seconds() + 2 * 3600);
}

static void counts_unknown_targets(void **state)
{
    static const char family[] = "containerd_exporter_probe_unknown_target_total ";
    CLEANUP(world_deinit) struct world world;
    char want[100];

    (void)state;
    world_init(&world, NO_DISTANCE);
    for (int i = 0; i < 3; i++) {
        snprintf(want, sizeof(want), "\n%s%d\n", family, i);
        assert_int_equal(page_count(world.board, want), 1);
        scheduler_note_unknown(world.scheduler);
    }
}

static void prints_the_settings_of_a_probe(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(4096);
    static struct fake fake, inventory;
    struct config config;

    (void)state;
    world_init(&world, NO_DISTANCE);
    fake_config_init(&config);
    add_probe(&config, "x", &fake);
    fake_job(&config, &fake_inventory, "inventory", "1", &inventory);
    apply(&world, &config);
    assert_false(scheduler_settings(world.scheduler, "inventory", &out));
    assert_int_equal(out.size, 0);
    assert_true(scheduler_settings(world.scheduler, "x", &out));
    assert_string_equal(out.data, "name: x\noperation: fake_probe\nenabled: true\ninterval: 1h\n"
                                  "timeout: 1h\nretry_interval: 0s\n");
    buf_clear(&out);
    scheduler_config(world.scheduler, &out);
    assert_string_equal(out.data,
                        "  inventory:\n    enabled: true\n    interval: 1ms\n    timeout: 1h\n"
                        "probes:\n  - name: x\n    operation: fake_probe\n    enabled: true\n"
                        "    interval: 1h\n    timeout: 1h\n    retry_interval: 0s\n");
}

static void runs_every_demand_without_a_history(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct caller caller;
    struct error err;

    (void)state;
    world_init(&world, NO_DISTANCE);
    scheduler_free(world.scheduler);
    world.scheduler = scheduler_new(
        world.board, &(struct scheduler_options){.probe_workers = 1, .node = "node"}, &err);
    assert_non_null(world.scheduler);
    apply_one(&world, &fake);
    for (unsigned i = 2; i <= 3; i++) {
        demand(&world, "x", &caller);
        await_call(&world, &caller);
        assert_false(caller.cached);
        assert_int_equal(fake_get(&fake.runs), i);
    }
}

static void rejects_a_demand_without_memory(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct caller caller = {0};
    const struct demand_options options = {.probe = "x",
                                           .deadline_ns = clock_now_ns() + FAKE_SELDOM_NS,
                                           .done = record_call,
                                           .arg = &caller};
    struct error err;

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    fail_allocations_after(0);
    caller.demand = scheduler_demand(world.scheduler, &options, &err);
    fail_nothing();
    if (caller.demand)
        await_call(&world, &caller);
    else
        assert_int_equal(err.code, ERROR_MEMORY);
}

#define DEMAND_THREADS     4
#define DEMANDS_PER_THREAD 100

static void *demand_often(void *arg)
{
    struct world *world = arg;

    for (unsigned i = 0; i < DEMANDS_PER_THREAD; i++) {
        struct caller caller;

        demand_until(world, "x", clock_now_ns() + (i % 3 == 0 ? 1 : FAKE_SELDOM_NS), &caller);
        if (i % 4 == 1)
            scheduler_demand_cancel(world->scheduler, &caller);
        if (i % 4 == 2)
            scheduler_demand_drop(world->scheduler, caller.demand);
        else
            await_call(world, &caller);
    }
    return NULL;
}

static void survives_concurrent_demands_and_drops(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    pthread_t threads[DEMAND_THREADS];

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    for (size_t i = 0; i < DEMAND_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, demand_often, &world), 0);
    for (size_t i = 0; i < DEMAND_THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(fake_get(&fake.most_at_once), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_now_and_returns_the_record),
        cmocka_unit_test(returns_failures_with_their_reason),
        cmocka_unit_test(joins_a_run_in_progress),
        cmocka_unit_test(returns_the_last_run_within_the_minimum_distance),
        cmocka_unit_test(returns_the_reason_of_a_skipped_run),
        cmocka_unit_test(returns_null_at_the_deadline_if_all_threads_are_busy),
        cmocka_unit_test(answers_each_demand_at_its_own_deadline),
        cmocka_unit_test(ends_the_run_at_the_deadline),
        cmocka_unit_test(only_a_client_with_less_time_shortens_a_run),
        cmocka_unit_test(a_patient_client_gets_a_run_of_its_own),
        cmocka_unit_test(cancels_a_run_without_demands),
        cmocka_unit_test(ends_all_waits_before_a_shutdown),
        cmocka_unit_test(does_not_cancel_a_scheduled_run),
        cmocka_unit_test(does_not_run_for_a_dropped_demand),
        cmocka_unit_test(rejects_unknown_probes_and_too_many_demands),
        cmocka_unit_test(answers_all_demands_of_a_removed_probe),
        cmocka_unit_test(does_not_run_a_removed_probe_after_its_demand_was_dropped),
        cmocka_unit_test(answers_all_demands_on_shutdown),
        cmocka_unit_test(may_be_dropped_in_done),
        cmocka_unit_test(writes_into_the_progress_of_the_demand),
        cmocka_unit_test(shows_probes_with_their_next_run),
        cmocka_unit_test(counts_unknown_targets),
        cmocka_unit_test(prints_the_settings_of_a_probe),
        cmocka_unit_test(runs_every_demand_without_a_history),
        cmocka_unit_test(rejects_a_demand_without_memory),
        cmocka_unit_test(survives_concurrent_demands_and_drops),
    };

    log_set_prober_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
