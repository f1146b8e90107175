/* SPDX-License-Identifier: Apache-2.0 */
/* Runs on demand: who is answered with what, and what becomes of the schedule. */
#include "support/scheduler_fixture.h"

#include "base/log.h"
#include "scheduler/demand.h"
#include "scheduler/scheduler.h"
#include "scheduler/scheduler_view.h"

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

/* Probes that run once at the start (or not before an hour has passed), then seldom. */
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

struct seen {
    unsigned count;
    bool running;
    double next_unix;
    int64_t slow_ns;
};

static void see(void *arg, const struct probe_status *probe)
{
    struct seen *seen = arg;

    seen->count++;
    seen->running |= probe->running;
    seen->next_unix = probe->next_unix;
    seen->slow_ns = probe->slow_ns;
}

/* A run has ended for its collector a little earlier than for the scheduler. */
static struct seen await_rest(struct world *world)
{
    struct seen seen;

    do {
        seen = (struct seen){0};
        scheduler_probes(world->scheduler, see, &seen);
    } while (seen.running);
    return seen;
}

static void apply_one(struct world *world, struct fake *fake)
{
    struct config config;

    fake_config_init(&config);
    add_probe(&config, "x", fake);
    apply(world, &config);
    fake_await(&fake->ended, 1); /* the one at the start */
    await_rest(world);
}

/* What somebody wconfigured failure. Under fake_lock. */
struct asker {
    unsigned told;
    bool nothing, cached;
    enum error_code reason;
    enum run_trigger trigger;
    char id[RUN_ID_BYTES], message[64];
    struct demand *demand;
};

static void note(void *arg, const struct run_record *record, bool cached)
{
    struct asker *asker = arg;
    LOCK_SCOPE(&fake_lock);

    asker->told++;
    asker->nothing = !record;
    asker->cached = cached;
    if (record) {
        asker->reason = record->reason;
        asker->trigger = record->trigger;
        strcpy(asker->id, record->id);
        snprintf(asker->message, sizeof(asker->message), "%s", record->message);
    }
    pthread_cond_broadcast(&fake_changed);
}

static void ask_until(struct world *world, const char *probe, int64_t deadline_ns,
                      struct asker *asker)
{
    struct error err;

    *asker = (struct asker){0};
    asker->demand = scheduler_demand(
        world->scheduler,
        &(struct demand_options){
            .probe = probe, .deadline_ns = deadline_ns, .done = note, .arg = asker},
        &err);
    assert_non_null(asker->demand);
}

static void ask(struct world *world, const char *probe, struct asker *asker)
{
    ask_until(world, probe, clock_now_ns() + FAKE_SELDOM_NS, asker);
}

static void hear(struct world *world, struct asker *asker)
{
    fake_await(&asker->told, 1);
    scheduler_demand_drop(world->scheduler, asker->demand);
    assert_int_equal(asker->told, 1);
}

static void runs_now_and_tells_how_it_went(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct asker asker;

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    ask(&world, "x", &asker);
    hear(&world, &asker);
    assert_false(asker.nothing);
    assert_false(asker.cached);
    assert_int_equal(asker.reason, ERROR_NONE);
    assert_int_equal(asker.trigger, RUN_DEMAND);
    assert_int_equal(fake_get(&fake.runs), 2);
    CLEANUP(history_list_freep)
    struct history_list *list = history_find(world.history, "x", asker.id, 0);
    assert_int_equal(list->count, 1);
}

static void tells_of_failures_with_their_reason(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake = {.outcome = ERROR_TLS};
    struct asker asker;

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    ask(&world, "x", &asker);
    hear(&world, &asker);
    assert_int_equal(asker.reason, ERROR_TLS);
    assert_string_equal(asker.message, "configured failure");
}

static void joins_a_run_that_goes_on(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct asker askers[3];

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    fake_set(&fake.deaf, true);
    ask(&world, "x", &askers[0]);
    fake_await(&fake.hanging, 1);
    ask(&world, "x", &askers[1]);
    ask(&world, "x", &askers[2]);
    fake_set(&fake.deaf, false);
    for (size_t i = 0; i < 3; i++)
        hear(&world, &askers[i]);
    assert_string_equal(askers[0].id, askers[1].id);
    assert_string_equal(askers[0].id, askers[2].id);
    assert_int_equal(fake_get(&fake.runs), 2);
}

static void gives_the_last_run_where_another_would_come_too_soon(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct asker first, second;

    (void)state;
    world_init(&world, FAKE_SELDOM_NS);
    apply_one(&world, &fake);
    ask(&world, "x", &first);
    hear(&world, &first);
    ask(&world, "x", &second);
    hear(&world, &second);
    assert_true(first.cached);
    assert_true(second.cached);
    assert_int_equal(second.trigger, RUN_SCHEDULED);
    assert_string_equal(first.id, second.id);
    assert_int_equal(fake_get(&fake.runs), 1);
}

static void tells_why_a_run_was_skipped(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct asker asker;

    (void)state;
    world_init(&world, FAKE_SELDOM_NS);
    fake.skips = true;
    fake.outcome = ERROR_RATE_LIMITED;
    apply_one(&world, &fake);
    ask(&world, "x", &asker);
    hear(&world, &asker);
    assert_int_equal(asker.reason, ERROR_RATE_LIMITED);
    assert_int_equal(history_stats(world.history).records, 0);
}

static void tells_nothing_at_the_deadline_while_all_are_busy(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake busy, other;
    struct asker asker;
    struct config config;

    (void)state;
    world_init(&world, NO_DISTANCE);
    fake_config_init(&config);
    add_probe(&config, "busy", &busy);
    add_probe(&config, "other", &other);
    apply(&world, &config);
    fake_await(&busy.ended, 1);
    fake_await(&other.ended, 1);
    await_rest(&world);
    fake_set(&busy.deaf, true);
    struct asker first;
    ask(&world, "busy", &first);
    fake_await(&busy.hanging, 1);
    ask_until(&world, "other", clock_now_ns() + 1, &asker);
    hear(&world, &asker);
    assert_true(asker.nothing);
    fake_set(&busy.deaf, false);
    hear(&world, &first);
    assert_int_equal(fake_get(&other.runs), 1); /* and it does not run afterwards */
}

static void ends_the_run_at_the_deadline(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct asker asker;

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    fake.outcome = ERROR_NONE;
    ask_until(&world, "x", clock_now_ns() + 100 * NS_PER_MS, &asker);
    hear(&world, &asker); /* in time, or timeout, or too late to say: never an hour */
    assert_int_equal(asker.told, 1);
    ask_until(&world, "x", clock_now_ns() - 1, &asker);
    hear(&world, &asker);
    assert_true(asker.nothing || asker.reason == ERROR_TIMEOUT);
}

static void cancels_what_runs_for_nobody_any_more(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct asker first, second, third;

    (void)state;
    world_init(&world, FAKE_SELDOM_NS);
    fake.skips = true; /* so that nothing is young */
    apply_one(&world, &fake);
    fake.skips = false;
    fake_set(&fake.hangs, true);
    ask(&world, "x", &first);
    fake_await(&fake.hanging, 1);
    ask(&world, "x", &second);
    scheduler_demand_cancel(world.scheduler, &first);
    hear(&world, &first);
    assert_true(first.nothing);
    assert_int_equal(fake_get(&fake.canceled), 0); /* somebody is left */
    scheduler_demand_cancel(world.scheduler, &second);
    hear(&world, &second);
    fake_await(&fake.canceled, 1);
    fake_await(&fake.ended, 2);
    await_rest(&world);
    fake_set(&fake.hangs, false);
    ask(&world, "x", &third); /* is not given what was canceled */
    hear(&world, &third);
    assert_false(third.nothing);
    assert_int_equal(third.reason, ERROR_NONE);
    scheduler_demand_cancel(world.scheduler, &third); /* nobody by that name */
}

static void keeps_nobody_waiting_at_the_end(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct demand_options late = {.probe = "x"};
    struct asker asker;
    struct error err;

    (void)state;
    world_init(&world, FAKE_SELDOM_NS);
    fake.skips = true; /* so that nothing is young */
    apply_one(&world, &fake);
    fake.skips = false;
    fake_set(&fake.hangs, true);
    ask(&world, "x", &asker);
    fake_await(&fake.hanging, 1);
    scheduler_demand_end(world.scheduler);
    hear(&world, &asker);
    assert_true(asker.nothing);
    fake_await(&fake.canceled, 1);
    assert_null(scheduler_demand(world.scheduler, &late, &err));
    assert_int_equal(err.code, ERROR_CANCELED);
}

static void a_scheduled_run_goes_on_when_who_joined_it_leaves(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake = {.deaf = true};
    struct asker asker;
    struct config config;

    (void)state;
    world_init(&world, NO_DISTANCE);
    fake_config_init(&config);
    add_probe(&config, "x", &fake);
    apply(&world, &config);
    fake_await(&fake.hanging, 1);
    ask(&world, "x", &asker);
    scheduler_demand_drop(world.scheduler, asker.demand);
    assert_int_equal(asker.told, 0);
    assert_int_equal(fake_get(&fake.canceled), 0);
    fake_set(&fake.deaf, false);
    fake_await(&fake.ended, 1);
}

static void does_not_run_for_who_left_before(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake busy, other;
    struct asker first, second;
    struct config config;

    (void)state;
    world_init(&world, NO_DISTANCE);
    fake_config_init(&config);
    add_probe(&config, "busy", &busy);
    add_probe(&config, "other", &other);
    apply(&world, &config);
    fake_await(&busy.ended, 1);
    fake_await(&other.ended, 1);
    await_rest(&world);
    fake_set(&busy.deaf, true);
    ask(&world, "busy", &first);
    fake_await(&busy.hanging, 1);
    ask(&world, "other", &second);
    scheduler_demand_drop(world.scheduler, second.demand);
    fake_set(&busy.deaf, false);
    hear(&world, &first);
    ask(&world, "busy", &first);
    hear(&world, &first);
    assert_int_equal(fake_get(&other.runs), 1);
    assert_int_equal(second.told, 0);
}

static void refuses_what_is_not_there_and_too_many(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    static struct asker askers[DEMANDS_MAX];
    struct demand_options options = {.probe = "y",
                                     .deadline_ns = clock_now_ns() + FAKE_SELDOM_NS,
                                     .done = note,
                                     .arg = &askers[0]};
    struct error err;

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    assert_null(scheduler_demand(world.scheduler, &options, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    fake_set(&fake.deaf, true);
    for (size_t i = 0; i < DEMANDS_MAX; i++)
        ask(&world, "x", &askers[i]);
    options.probe = "x";
    assert_null(scheduler_demand(world.scheduler, &options, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    fake_set(&fake.deaf, false);
    for (size_t i = 0; i < DEMANDS_MAX; i++)
        hear(&world, &askers[i]);
}

static void tells_everybody_when_the_probe_is_gone(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake busy, other;
    struct asker running, waiting;
    struct config config;

    (void)state;
    world_init(&world, NO_DISTANCE);
    fake_config_init(&config);
    add_probe(&config, "busy", &busy);
    add_probe(&config, "other", &other);
    apply(&world, &config);
    fake_await(&busy.ended, 1);
    fake_await(&other.ended, 1);
    await_rest(&world);
    fake_set(&busy.hangs, true);
    ask(&world, "busy", &running);
    fake_await(&busy.hanging, 1);
    ask(&world, "other", &waiting);
    fake_config_init(&config);
    apply(&world, &config);
    hear(&world, &running);
    hear(&world, &waiting);
    assert_int_equal(running.reason, ERROR_CANCELED);
    assert_true(waiting.nothing);
    assert_int_equal(history_stats(world.history).records, 0); /* of what is not configured */
}

static void *apply_nothing(void *arg)
{
    struct config config;

    fake_config_init(&config);
    apply(arg, &config);
    return NULL;
}

/* While a reload waits for one run, who waits for another probe leaves. */
static void does_not_run_what_is_removed_and_let_go(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake busy, other;
    struct asker running, waiting;
    struct config config;
    pthread_t reload;
    unsigned runs;

    (void)state;
    world_init(&world, NO_DISTANCE);
    fake_config_init(&config);
    fake_job(&config, &fake_probe, "other", "1", &other);
    add_probe(&config, "busy", &busy); /* which is waited for first */
    apply(&world, &config);
    fake_await(&busy.ended, 1);
    fake_await(&other.ended, 1);
    await_rest(&world);
    fake_set(&busy.deaf, true);
    ask(&world, "busy", &running);
    fake_await(&busy.hanging, 1);
    ask(&world, "other", &waiting);
    runs = fake_get(&other.runs);
    assert_int_equal(pthread_create(&reload, NULL, apply_nothing, &world), 0);
    fake_await(&busy.canceled, 1);
    scheduler_demand_drop(world.scheduler, waiting.demand);
    fake_set(&busy.deaf, false);
    pthread_join(reload, NULL);
    hear(&world, &running);
    assert_int_equal(other.closed, 1);
    assert_int_equal(fake_get(&other.runs), runs);
}

static void tells_everybody_at_the_end(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct asker running;

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    fake_set(&fake.hangs, true);
    ask(&world, "x", &running);
    fake_await(&fake.hanging, 1);
    scheduler_free(TAKE(world.scheduler));
    assert_int_equal(running.told, 1);
}

/* A page: it forgets the demand when it is told. */
struct page {
    struct scheduler *scheduler;
    struct demand *demand;
    pthread_mutex_t lock;
    unsigned told;
};

static void drop_when_told(void *arg, const struct run_record *record, bool cached)
{
    struct page *page = arg;

    (void)record;
    (void)cached;
    pthread_mutex_lock(&page->lock); /* until it knows its demand */
    pthread_mutex_unlock(&page->lock);
    scheduler_demand_drop(page->scheduler, page->demand);
    LOCK_SCOPE(&fake_lock);
    page->told++;
    pthread_cond_broadcast(&fake_changed);
}

static void may_be_dropped_by_who_is_told(void **state)
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
                                     .done = drop_when_told,
                                     .arg = &page},
            &err);
        pthread_mutex_unlock(&page.lock);
        assert_non_null(page.demand);
        fake_await(&page.told, i);
    }
}

static void writes_into_the_progress_of_who_asked(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct asker asker = {0};
    struct progress progress;
    struct error err;

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    progress_init(&progress);
    fake_set(&fake.hangs, true);
    asker.demand =
        scheduler_demand(world.scheduler,
                         &(struct demand_options){.probe = "x",
                                                  .deadline_ns = clock_now_ns() + FAKE_SELDOM_NS,
                                                  .progress = &progress,
                                                  .done = note,
                                                  .arg = &asker},
                         &err);
    assert_non_null(asker.demand);
    fake_await(&fake.hanging, 1);
    scheduler_demand_drop(world.scheduler, asker.demand); /* the run has ended when it returns */
    assert_int_equal(fake_get(&fake.ended), 2);
    CLEANUP(history_list_freep)
    struct history_list *list = history_find(world.history, "x", progress.id, 0);
    assert_int_equal(list->count, 1);
    assert_int_equal(list->records[0]->reason, ERROR_CANCELED);
    progress_deinit(&progress);
}

static void shows_probes_with_their_next_run(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake = {.slow_ns = 7 * NS_PER_SECOND}, inventory;
    struct asker asker;
    struct seen seen = {0}, after;
    struct config config;

    (void)state;
    world_init(&world, NO_DISTANCE);
    fake_config_init(&config);
    add_probe(&config, "x", &fake);
    fake_job(&config, &fake_inventory, "inventory", "1", &inventory);
    apply(&world, &config);
    ask(&world, "x", &asker);
    hear(&world, &asker);
    await_rest(&world);
    fake_set(&fake.deaf, true);
    ask(&world, "x", &asker);
    fake_await(&fake.hanging, 1);
    scheduler_probes(world.scheduler, see, &seen);
    assert_int_equal(seen.count, 1);
    assert_true(seen.running);
    assert_true(seen.next_unix == 0);
    assert_int_equal(seen.slow_ns, 7 * NS_PER_SECOND);
    fake_set(&fake.deaf, false);
    hear(&world, &asker);
    after = await_rest(&world);
    assert_true(after.next_unix > clock_unix_seconds());
    assert_true(after.next_unix <= clock_unix_seconds() + 2 * 3600);
}

#define HASTY_ASKERS 4
#define HASTY_TIMES  100

static void *ask_often(void *arg)
{
    struct world *world = arg;

    for (unsigned i = 0; i < HASTY_TIMES; i++) {
        struct asker asker;

        ask_until(world, "x", clock_now_ns() + (i % 3 == 0 ? 1 : FAKE_SELDOM_NS), &asker);
        if (i % 4 == 1)
            scheduler_demand_cancel(world->scheduler, &asker);
        if (i % 4 == 2)
            scheduler_demand_drop(world->scheduler, asker.demand);
        else
            hear(world, &asker);
    }
    return NULL;
}

static void bears_many_who_come_and_go(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    pthread_t threads[HASTY_ASKERS];

    (void)state;
    world_init(&world, NO_DISTANCE);
    apply_one(&world, &fake);
    for (size_t i = 0; i < HASTY_ASKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &world), 0);
    for (size_t i = 0; i < HASTY_ASKERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(fake_get(&fake.most_at_once), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_now_and_tells_how_it_went),
        cmocka_unit_test(tells_of_failures_with_their_reason),
        cmocka_unit_test(joins_a_run_that_goes_on),
        cmocka_unit_test(gives_the_last_run_where_another_would_come_too_soon),
        cmocka_unit_test(tells_why_a_run_was_skipped),
        cmocka_unit_test(tells_nothing_at_the_deadline_while_all_are_busy),
        cmocka_unit_test(ends_the_run_at_the_deadline),
        cmocka_unit_test(cancels_what_runs_for_nobody_any_more),
        cmocka_unit_test(keeps_nobody_waiting_at_the_end),
        cmocka_unit_test(a_scheduled_run_goes_on_when_who_joined_it_leaves),
        cmocka_unit_test(does_not_run_for_who_left_before),
        cmocka_unit_test(refuses_what_is_not_there_and_too_many),
        cmocka_unit_test(tells_everybody_when_the_probe_is_gone),
        cmocka_unit_test(does_not_run_what_is_removed_and_let_go),
        cmocka_unit_test(tells_everybody_at_the_end),
        cmocka_unit_test(may_be_dropped_by_who_is_told),
        cmocka_unit_test(writes_into_the_progress_of_who_asked),
        cmocka_unit_test(shows_probes_with_their_next_run),
        cmocka_unit_test(bears_many_who_come_and_go),
    };

    log_set_prober_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
