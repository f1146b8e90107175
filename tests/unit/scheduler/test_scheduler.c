/* SPDX-License-Identifier: Apache-2.0 */
/* Runs, watchers, limits of registries, and changes of the configuration. */
#include "support/scheduler_fixture.h"

#include "base/log.h"
#include "scheduler/scheduler.h"
#include "scheduler/scheduler_view.h"
#include "support/failures.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define INVENTORY_WORKERS 2
#define PROBE_WORKERS     2
#define RELOADS           50

struct world {
    struct board *board;
    struct scheduler *scheduler;
};

static void world_init_with(struct world *world, int64_t spread_ns)
{
    const struct scheduler_options options = {.inventory_workers = INVENTORY_WORKERS,
                                              .probe_workers = PROBE_WORKERS,
                                              .node = "node",
                                              .spread_ns = spread_ns};
    struct error err;

    world->board = board_new();
    assert_non_null(world->board);
    world->scheduler = scheduler_new(world->board, &options, &err);
    assert_non_null(world->scheduler);
}

static void world_init(struct world *world)
{
    world_init_with(world, FAKE_SELDOM_NS);
}

static void world_deinit(struct world *world)
{
    if (world->scheduler)
        scheduler_free(world->scheduler);
    board_free(world->board);
}

static void apply(struct world *world, struct config *config)
{
    struct error err;

    if (!scheduler_apply(world->scheduler, config, NULL, &err))
        fail_msg("%s", err.message);
    config_deinit(config);
}

/* Applies a configuration of one job. */
static void apply_one(struct world *world, const struct collector *collector, const char *settings,
                      struct fake *fake)
{
    struct config config;

    fake_config_init(&config);
    fake_job(&config, collector, "x", settings, fake);
    apply(world, &config);
}

static void apply_nothing(struct world *world)
{
    struct config config;

    fake_config_init(&config);
    apply(world, &config);
}

static void runs_jobs_when_they_are_due(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake often, seldom;
    struct config config;

    (void)state;
    world_init(&world);
    fake_config_init(&config);
    fake_job(&config, &fake_inventory, "often", "1", &often);
    fake_job(&config, &fake_inventory, "seldom", "1", &seldom)->interval_ns = FAKE_SELDOM_NS;
    apply(&world, &config);
    fake_await(&often.ended, 20);
    fake_await(&seldom.ended, 1);
    assert_int_equal(fake_get(&seldom.runs), 1);
}

static void never_overlaps_runs_of_a_job(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;

    (void)state;
    world_init(&world);
    apply_one(&world, &fake_inventory, "1", &fake);
    fake_await(&fake.ended, 100);
    assert_int_equal(fake_get(&fake.most_at_once), 1);
}

/* More probes hang than their lane has threads. */
static void runs_the_inventory_while_probes_hang(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake probe = {.hangs = true}, inventory;
    struct config config;

    (void)state;
    world_init(&world);
    fake_config_init(&config);
    for (char name[] = "1"; name[0] <= '5'; name[0]++)
        fake_job(&config, &fake_probe, name, "1", &probe);
    fake_job(&config, &fake_inventory, "inventory", "1", &inventory);
    apply(&world, &config);
    fake_await(&probe.hanging, PROBE_WORKERS);
    fake_await(&inventory.ended, fake_get(&inventory.ended) + 20);
    assert_int_equal(fake_get(&probe.running), PROBE_WORKERS);
    assert_int_equal(fake_get(&probe.runs), PROBE_WORKERS);
}

static void keeps_jobs_with_the_same_settings(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake, never;

    (void)state;
    world_init(&world);
    apply_one(&world, &fake_inventory, "same", &fake);
    fake_await(&fake.ended, 3);
    apply_one(&world, &fake_inventory, "same", &never);
    fake_await(&fake.ended, fake_get(&fake.ended) + 3);
    assert_int_equal(fake_get(&fake.opened), 1);
    assert_int_equal(fake_get(&fake.closed), 0);
    assert_int_equal(fake_get(&never.opened), 0);
    assert_int_equal(page_count(world.board, "fake_runs_total{name=\"x\"} "), 1);
    assert_int_equal(page_count(world.board, "fake_runs_total{name=\"x\"} 1\n"), 0);
}

static void replaces_jobs_with_other_settings(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake before, after;

    (void)state;
    world_init(&world);
    apply_one(&world, &fake_inventory, "before", &before);
    fake_await(&before.ended, 3);
    apply_one(&world, &fake_inventory, "after", &after);
    assert_int_equal(fake_get(&before.closed), 1);
    assert_int_equal(fake_get(&before.running), 0);
    fake_await(&after.ended, 1);
    assert_int_equal(fake_get(&after.opened), 1);
    assert_int_equal(fake_get(&after.closed), 0);
    assert_int_equal(page_count(world.board, "fake_runs_total{name=\"x\"} "), 1);
}

static void cancels_removed_jobs_and_waits_for_them(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake inventory = {.hangs = true}, probe = {.hangs = true};
    struct config config;

    (void)state;
    world_init(&world);
    fake_config_init(&config);
    fake_job(&config, &fake_inventory, "x", "1", &inventory);
    fake_job(&config, &fake_probe, "y", "1", &probe);
    apply(&world, &config);
    fake_await(&inventory.hanging, 1);
    fake_await(&probe.hanging, 1);
    apply_nothing(&world);
    assert_int_equal(fake_get(&inventory.canceled), 1);
    assert_int_equal(fake_get(&probe.canceled), 1);
    assert_int_equal(fake_get(&inventory.ended) + fake_get(&probe.ended), 2);
    assert_int_equal(fake_get(&inventory.closed) + fake_get(&probe.closed), 2);
    assert_int_equal(page_count(world.board, "fake_runs_total"), 0);
}

static void *apply_other_settings(void *arg)
{
    static struct fake other;

    apply_one(arg, &fake_inventory, "other", &other);
    return NULL;
}

/* Until the run of the old job has ended, the page has the old samples. */
static void shows_no_series_twice_while_a_job_is_replaced(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake slow;
    pthread_t applier;

    (void)state;
    world_init(&world);
    apply_one(&world, &fake_inventory, "1", &slow);
    fake_await(&slow.ended, 1); /* it has posted */
    fake_set(&slow.deaf, true);
    fake_await(&slow.hanging, 1);
    assert_int_equal(pthread_create(&applier, NULL, apply_other_settings, &world), 0);
    fake_await(&slow.canceled, 1); /* the new job is open and waits for the old one */
    assert_int_equal(page_count(world.board, "fake_runs_total{name=\"x\"} "), 1);
    assert_int_equal(page_count(world.board, "fake_runs_total{name=\"x\"} 0\n"), 0);
    scheduler_refresh(world.scheduler); /* must not block, like scheduler_ready() */
    (void)scheduler_ready(world.scheduler);
    fake_set(&slow.deaf, false);
    pthread_join(applier, NULL);
    assert_int_equal(page_count(world.board, "fake_runs_total{name=\"x\"} "), 1);
}

static void changes_nothing_if_a_job_cannot_open(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake old, changed, fresh, refusing = {.refuses_to_open = true};
    struct config config;
    struct error err;
    unsigned runs;

    (void)state;
    world_init(&world);
    apply_one(&world, &fake_inventory, "1", &old);
    fake_await(&old.ended, 2);
    fake_config_init(&config);
    fake_job(&config, &fake_inventory, "x", "2", &changed);
    fake_job(&config, &fake_inventory, "fresh", "1", &fresh);
    fake_job(&config, &fake_probe, "bad", "1", &refusing);
    assert_false(scheduler_apply(world.scheduler, &config, NULL, &err));
    config_deinit(&config);
    assert_string_equal(err.message, "bad: cannot open");
    assert_int_equal(fake_get(&fresh.opened), 1);
    assert_int_equal(fake_get(&fresh.closed), 1);
    assert_int_equal(fake_get(&changed.closed), 1);
    assert_int_equal(fake_get(&fresh.runs) + fake_get(&changed.runs), 0);
    runs = fake_get(&old.ended);
    fake_await(&old.ended, runs + 3);
    assert_int_equal(fake_get(&old.closed), 0);
    assert_int_equal(page_count(world.board, "fresh"), 0);
    assert_int_equal(page_count(world.board, "fake_runs_total{name=\"x\"} "), 1);
}

static void stops_while_jobs_hang(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake inventory = {.hangs = true}, probe = {.hangs = true};
    struct config config;

    (void)state;
    world_init(&world);
    fake_config_init(&config);
    fake_job(&config, &fake_inventory, "x", "1", &inventory);
    fake_job(&config, &fake_probe, "y", "1", &probe);
    apply(&world, &config);
    fake_await(&inventory.hanging, 1);
    fake_await(&probe.hanging, 1);
    scheduler_free(TAKE(world.scheduler));
    assert_int_equal(inventory.ended + probe.ended, 2);
    assert_int_equal(inventory.closed + probe.closed, 2);
}

static void ends_a_run_at_its_timeout(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    struct config config;

    (void)state;
    world_init(&world);
    fake_config_init(&config);
    fake_job(&config, &fake_inventory, "x", "1", &fake)->timeout_ns = 0;
    apply(&world, &config);
    fake_await(&fake.ended, 2);
    apply_nothing(&world);
    assert_int_equal(fake_get(&fake.canceled), 0); /* a timeout is not a cancellation */
}

static void runs_the_scrape_lane_on_refresh_only(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake scrape, inventory;
    struct config config;

    (void)state;
    world_init(&world);
    fake_config_init(&config);
    fake_job(&config, &fake_scrape, "s", "1", &scrape);
    fake_job(&config, &fake_inventory, "i", "1", &inventory);
    apply(&world, &config);
    fake_await(&inventory.ended, 10);
    assert_int_equal(fake_get(&scrape.runs), 0);
    for (unsigned i = 1; i <= 3; i++) {
        int64_t start_ns = clock_now_ns();

        scheduler_refresh(world.scheduler);
        assert_int_equal(fake_get(&scrape.runs), i);
        assert_true(scrape.deadline_ns >= start_ns + NS_PER_SECOND);
        assert_true(scrape.deadline_ns <= clock_now_ns() + NS_PER_SECOND);
    }
    assert_int_equal(page_count(world.board, "fake_runs_total{name=\"s\"} 3\n"), 1);
}

struct scraper {
    struct world *world;
    atomic_bool done;
};

static void *scrape_until_done(void *arg)
{
    struct scraper *scraper = arg;

    while (!scraper->done) {
        scheduler_refresh(scraper->world->scheduler);
        if (page_count(scraper->world->board, "fake_runs_total{name=\"i\"} ") > 1 ||
            page_count(scraper->world->board, "fake_runs_total{name=\"s\"} ") > 1 ||
            page_count(scraper->world->board, "fake_runs_total{name=\"p\"} ") > 1)
            abort();
        (void)scheduler_ready(scraper->world->scheduler);
    }
    return NULL;
}

static void applies_configurations_during_scrapes(void **state)
{
    static const char *const settings[] = {"1", "2"};
    CLEANUP(world_deinit) struct world world;
    static struct fake scrape, inventory, probe;
    struct scraper scraper = {.world = &world};
    pthread_t threads[2];

    (void)state;
    world_init(&world);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, scrape_until_done, &scraper), 0);
    for (unsigned i = 1; i <= RELOADS; i++) {
        struct config config;

        fake_config_init(&config);
        fake_job(&config, &fake_inventory, "i", settings[i % 2], &inventory);
        if (i % 3)
            fake_job(&config, &fake_scrape, "s", settings[i / 2 % 2], &scrape);
        fake_job(&config, &fake_probe, "p", settings[i / 4 % 2], &probe);
        apply(&world, &config);
        fake_await(&inventory.opened, i);
    }
    apply_nothing(&world);
    scraper.done = true;
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(inventory.opened, RELOADS);
    assert_int_equal(inventory.closed, inventory.opened);
    assert_int_equal(scrape.closed, scrape.opened);
    assert_int_equal(probe.closed, probe.opened);
    assert_in_range(probe.opened, 2, RELOADS / 2);
}

/* The scheduler notices the end of a run a little later than the collector. */
static void await_ready(struct world *world, const struct fake *going_on)
{
    while (!scheduler_ready(world->scheduler))
        fake_await(&going_on->ended, fake_get(&going_on->ended) + 1);
}

static void is_ready_after_the_first_run_of_the_inventory(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake failing = {.outcome = ERROR_RUNTIME}, slow = {.deaf = true},
                       probe = {.hangs = true};
    struct config config;

    (void)state;
    world_init(&world);
    fake_config_init(&config);
    fake_job(&config, &fake_inventory, "failing", "1", &failing);
    fake_job(&config, &fake_inventory, "slow", "1", &slow);
    fake_job(&config, &fake_probe, "probe", "1", &probe);
    fake_job(&config, &fake_scrape, "scrape", "1", &probe);
    apply(&world, &config);
    fake_await(&failing.ended, 3);
    fake_await(&slow.hanging, 1);
    assert_false(scheduler_ready(world.scheduler));
    fake_set(&slow.deaf, false);
    await_ready(&world, &failing);
}

/* The scheduler retries after a second; the test waits for events only. */
static void retries_the_inventory_while_the_daemon_is_unavailable(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake gone = {.outcome = ERROR_RUNTIME_UNAVAILABLE},
                       denied = {.outcome = ERROR_RUNTIME_FORBIDDEN},
                       broken = {.outcome = ERROR_RUNTIME};
    struct config config;

    (void)state;
    world_init(&world);
    fake_config_init(&config);
    fake_job(&config, &fake_inventory, "gone", "1", &gone)->interval_ns = FAKE_SELDOM_NS;
    fake_job(&config, &fake_inventory, "denied", "1", &denied)->interval_ns = FAKE_SELDOM_NS;
    fake_job(&config, &fake_inventory, "broken", "1", &broken)->interval_ns = FAKE_SELDOM_NS;
    apply(&world, &config);
    fake_await(&gone.ended, 3);
    fake_await(&denied.ended, 3);
    assert_int_equal(fake_get(&broken.runs), 1);
}

struct failures {
    size_t count;
    char text[200];
};

static void add_failure(void *arg, const struct collector_failure *failure)
{
    struct failures *failures = arg;

    snprintf(failures->text, sizeof(failures->text), "%s: %s", failure->collector,
             failure->message);
    failures->count++;
}

static struct failures failures_of(struct scheduler *scheduler)
{
    struct failures failures = {0};

    scheduler_failures(scheduler, add_failure, &failures);
    return failures;
}

static void keeps_the_last_error_of_collectors_without_secrets(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake bad = {.outcome = ERROR_TLS,
                              .words = "GET https://h/v2/?sig=geheim: refused"},
                       good, probe = {.outcome = ERROR_DNS};
    struct failures failures;
    struct config config;

    (void)state;
    world_init(&world);
    fake_config_init(&config);
    fake_job(&config, &fake_inventory, "bad", "1", &bad);
    fake_job(&config, &fake_inventory, "good", "1", &good);
    fake_job(&config, &fake_probe, "probe", "1", &probe);
    apply(&world, &config);
    assert_true(failures_of(world.scheduler).count <= 1);
    fake_await(&bad.ended, 3); /* the second has been recorded */
    fake_await(&good.ended, 3);
    fake_await(&probe.ended, 1);
    failures = failures_of(world.scheduler);
    assert_int_equal(failures.count, 1);
    assert_string_equal(failures.text, "bad: GET https://h/v2/?...: refused");
    pthread_mutex_lock(&fake_lock);
    bad.outcome = ERROR_NONE;
    pthread_mutex_unlock(&fake_lock);
    fake_await(&bad.ended, fake_get(&bad.ended) + 3);
    assert_int_equal(failures_of(world.scheduler).count, 0);
}

static void limits_the_number_of_threads(void **state)
{
    const struct scheduler_options options = {
        .inventory_workers = 40, .probe_workers = 1000, .node = "node"};
    CLEANUP(board_freep) struct board *board = board_new();
    CLEANUP(scheduler_freep) struct scheduler *scheduler = NULL;
    struct error err;

    (void)state;
    scheduler = scheduler_new(board, &options, &err);
    assert_non_null(scheduler);
    assert_true(scheduler_ready(scheduler));
    scheduler_refresh(scheduler);
}

/* With an interval of an hour, only a change causes the next run. */
static struct config_job *watched_job(struct config *config, const char *settings,
                                      struct fake *fake)
{
    struct config_job *job = fake_job(config, &fake_watched, "x", settings, fake);

    job->interval_ns = FAKE_SELDOM_NS;
    return job;
}

static void apply_watched(struct world *world, const char *settings, struct fake *fake)
{
    struct config config;

    fake_config_init(&config);
    watched_job(&config, settings, fake);
    apply(world, &config);
}

static void runs_early_after_a_change(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;

    (void)state;
    world_init(&world);
    apply_watched(&world, "1", &fake);
    fake_await(&fake.ended, 1);
    for (unsigned i = 1; i <= 3; i++) {
        fake_change(&fake, 1);
        fake_await(&fake.ended, 1 + i);
    }
}

static void runs_once_more_for_all_changes_during_a_run(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake = {.deaf = true};

    (void)state;
    world_init(&world);
    apply_watched(&world, "1", &fake);
    fake_await(&fake.running, 1);
    fake_change(&fake, 1000);
    fake_await(&fake.watches, 1001); /* the next call: all changes were reported */
    assert_int_equal(fake_get(&fake.runs), 1);
    fake_set(&fake.deaf, false);
    fake_await(&fake.ended, 2);
    apply_nothing(&world);
    assert_int_equal(fake_get(&fake.runs), 2);
    assert_int_equal(fake_get(&fake.most_at_once), 1);
}

static void leaves_time_between_early_runs(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    int64_t start_ns;

    (void)state;
    world_init(&world);
    apply_watched(&world, "1", &fake);
    fake_await(&fake.ended, 1);
    start_ns = clock_now_ns();
    for (unsigned i = 0; i < 4; i++) {
        fake_change(&fake, 1);
        fake_await(&fake.ended, i + 2);
    }
    assert_true(clock_now_ns() - start_ns >= 3 * 200 * NS_PER_MS);
}

static void stops_watching_removed_jobs(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake before, after, failing = {.watch_fails = true};

    (void)state;
    world_init(&world);
    apply_watched(&world, "before", &before);
    fake_await(&before.watching, 1);
    apply_watched(&world, "after", &after);
    assert_int_equal(fake_get(&before.watching), 0);
    assert_int_equal(fake_get(&before.closed), 1);
    fake_await(&after.watching, 1);
    apply_watched(&world, "failing", &failing);
    fake_await(&failing.watches, 1); /* then it pauses */
    scheduler_free(TAKE(world.scheduler));
    assert_int_equal(failing.closed, 1);
}

static void applies_configurations_while_changes_are_reported(void **state)
{
    static const char *const settings[] = {"1", "2"};
    CLEANUP(world_deinit) struct world world;
    static struct fake fakes[RELOADS];

    (void)state;
    world_init(&world);
    for (unsigned i = 0; i < RELOADS; i++) {
        fakes[i].changes = 1000000;
        apply_watched(&world, settings[i % 2], &fakes[i]);
        if (i % 2)
            fake_await(&fakes[i].watches, 2);
    }
    apply_nothing(&world);
    for (unsigned i = 0; i < RELOADS; i++) {
        assert_int_equal(fakes[i].opened, 1);
        assert_int_equal(fakes[i].closed, 1);
        assert_int_equal(fakes[i].watching + fakes[i].running, 0);
    }
}

/* Adds `n` probes of a registry with max_concurrent 1. */
static void add_limited(struct config *config, const char *registry, size_t n, struct fake *fake)
{
    for (size_t i = 0; i < n; i++) {
        char name[16];
        struct config_job *job;

        snprintf(name, sizeof(name), "%s%zu", registry, i);
        job = fake_job(config, &fake_probe, name, "1", fake);
        job->resource = arena_strdup(job->arena, registry);
        job->max_concurrent = 1;
    }
}

/* One of three probes of the busy registry runs; the second thread runs those of the other. */
static void respects_max_concurrent_of_a_registry(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake busy = {.deaf = true}, other;
    struct config config;

    (void)state;
    world_init(&world);
    fake_config_init(&config);
    add_limited(&config, "busy", 3, &busy);
    add_limited(&config, "other", 2, &other);
    apply(&world, &config);
    fake_await(&busy.hanging, 1);
    fake_await(&other.ended, fake_get(&other.ended) + 20);
    assert_int_equal(fake_get(&busy.runs), 1);
    fake_set(&busy.deaf, false);
    fake_await(&busy.ended, 30);
    apply_nothing(&world);
    assert_int_equal(busy.most_at_once, 1);
    assert_int_equal(other.most_at_once, 1);
}

static void starts_waiting_probes_of_a_registry_in_order(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake busy = {.deaf = true};
    struct config config;

    (void)state;
    world_init(&world);
    fake_config_init(&config);
    add_limited(&config, "r", 3, &busy);
    apply(&world, &config);
    fake_await(&busy.hanging, 1);
    fake_set(&busy.deaf, false);
    fake_await(&busy.ended, 30);
    assert_int_equal(page_count(world.board, "fake_runs_total{name=\"r"), 3);
    for (char name[] = "fake_runs_total{name=\"r0\"} 0"; name[23] <= '2'; name[23]++)
        assert_int_equal(page_count(world.board, name), 0);
}

static void removes_probes_that_wait_for_a_registry(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake busy = {.hangs = true};
    struct config config;

    (void)state;
    world_init(&world);
    fake_config_init(&config);
    add_limited(&config, "r", 3, &busy);
    apply(&world, &config);
    fake_await(&busy.hanging, 1);
    apply_nothing(&world);
    assert_int_equal(busy.runs, 1);
    assert_int_equal(busy.closed, 3);
}

static void retries_failed_probes(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake failing = {.outcome = ERROR_CONNECT}, wrong = {.outcome = ERROR_INVALID};
    struct config config;
    struct config_job *job;

    (void)state;
    world_init_with(&world, 0);
    fake_config_init(&config);
    job = fake_job(&config, &fake_probe, "wrong", "1", &wrong);
    job->interval_ns = FAKE_SELDOM_NS;
    job->retry_ns = FAKE_OFTEN_NS;
    job = fake_job(&config, &fake_probe, "failing", "1", &failing);
    job->interval_ns = FAKE_SELDOM_NS;
    job->retry_ns = FAKE_OFTEN_NS;
    apply(&world, &config);
    fake_await(&failing.ended, 5);
    fake_await(&wrong.ended, 1);
    apply_nothing(&world);
    assert_int_equal(failing.retries, failing.runs - 1);
    assert_int_equal(wrong.retries, 0);
    assert_int_equal(wrong.runs, 1);
}

/* In a time zone where the next minute starts in two seconds. */
static void runs_at_the_time_of_the_cron_line(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;
    static struct cron cron;
    struct config config;
    struct config_job *job;
    struct error err;
    char zone[32];
    int64_t start_ns;

    (void)state;
    snprintf(zone, sizeof(zone), "XXX+0:00:%02d", (int)((time(NULL) + 2) % 60));
    setenv("TZ", zone, 1);
    tzset();
    assert_true(cron_parse(&cron, "* * * * *", &err));
    world_init_with(&world, 0);
    fake_config_init(&config);
    job = fake_job(&config, &fake_probe, "x", "1", &fake);
    job->interval_ns = 60 * NS_PER_SECOND;
    job->cron = &cron;
    start_ns = clock_now_ns();
    apply(&world, &config);
    fake_await(&fake.ended, 1);
    assert_true(clock_now_ns() - start_ns >= NS_PER_SECOND); /* not immediately */
    unsetenv("TZ");
    tzset();
}

static void fails_without_memory_or_threads(void **state)
{
    const struct scheduler_options options = {
        .inventory_workers = 2, .probe_workers = 1, .node = "node"};
    CLEANUP(board_freep) struct board *board = board_new();
    struct scheduler *scheduler = NULL;
    struct error err;

    (void)state;
    for (size_t n = 0; !scheduler; n++) {
        fail_allocations_after(n);
        scheduler = scheduler_new(board, &options, &err);
        fail_nothing();
        assert_true(scheduler || err.code == ERROR_MEMORY);
    }
    scheduler_free(TAKE(scheduler));
    for (size_t n = 0; !scheduler; n++) {
        fail_threads_after(n);
        scheduler = scheduler_new(board, &options, &err);
        fail_nothing();
        assert_true(scheduler || strstr(err.message, "cannot start "));
        assert_true(!scheduler || n == 4 || n == 0);
    }
    scheduler_free(scheduler);
}

static void keeps_its_jobs_if_memory_runs_out(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake old, fresh[200];
    bool applied = false;

    (void)state;
    world_init(&world);
    apply_one(&world, &fake_inventory, "1", &old);
    for (size_t n = 0; !applied; n++) {
        struct config config;
        struct error err;

        assert_true(n < 100);
        fake_config_init(&config);
        fake_job(&config, &fake_inventory, "x", "2", &fresh[2 * n]);
        fake_job(&config, &fake_probe, "y", "1", &fresh[2 * n + 1]);
        fail_allocations_after(n);
        applied = scheduler_apply(world.scheduler, &config, NULL, &err);
        fail_nothing();
        config_deinit(&config);
        assert_true(applied || err.code == ERROR_MEMORY);
        assert_int_equal(fake_get(&old.closed), applied);
        assert_true(applied || fake_get(&fresh[2 * n].opened) == fake_get(&fresh[2 * n].closed));
    }
}

/* The job runs on its schedule only. */
static void runs_without_a_watcher_if_no_thread_can_start(void **state)
{
    CLEANUP(world_deinit) struct world world;
    static struct fake fake;

    (void)state;
    world_init(&world);
    fail_threads_after(0);
    apply_watched(&world, "1", &fake);
    fail_nothing();
    fake_await(&fake.ended, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_jobs_when_they_are_due),
        cmocka_unit_test(never_overlaps_runs_of_a_job),
        cmocka_unit_test(runs_the_inventory_while_probes_hang),
        cmocka_unit_test(keeps_jobs_with_the_same_settings),
        cmocka_unit_test(replaces_jobs_with_other_settings),
        cmocka_unit_test(cancels_removed_jobs_and_waits_for_them),
        cmocka_unit_test(shows_no_series_twice_while_a_job_is_replaced),
        cmocka_unit_test(changes_nothing_if_a_job_cannot_open),
        cmocka_unit_test(stops_while_jobs_hang),
        cmocka_unit_test(ends_a_run_at_its_timeout),
        cmocka_unit_test(runs_the_scrape_lane_on_refresh_only),
        cmocka_unit_test(applies_configurations_during_scrapes),
        cmocka_unit_test(is_ready_after_the_first_run_of_the_inventory),
        cmocka_unit_test(retries_the_inventory_while_the_daemon_is_unavailable),
        cmocka_unit_test(keeps_the_last_error_of_collectors_without_secrets),
        cmocka_unit_test(limits_the_number_of_threads),
        cmocka_unit_test(runs_early_after_a_change),
        cmocka_unit_test(runs_once_more_for_all_changes_during_a_run),
        cmocka_unit_test(leaves_time_between_early_runs),
        cmocka_unit_test(stops_watching_removed_jobs),
        cmocka_unit_test(applies_configurations_while_changes_are_reported),
        cmocka_unit_test(respects_max_concurrent_of_a_registry),
        cmocka_unit_test(starts_waiting_probes_of_a_registry_in_order),
        cmocka_unit_test(removes_probes_that_wait_for_a_registry),
        cmocka_unit_test(retries_failed_probes),
        cmocka_unit_test(runs_at_the_time_of_the_cron_line),
        cmocka_unit_test(fails_without_memory_or_threads),
        cmocka_unit_test(keeps_its_jobs_if_memory_runs_out),
        cmocka_unit_test(runs_without_a_watcher_if_no_thread_can_start),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
