/* SPDX-License-Identifier: Apache-2.0 */
/* A single job: open, show, run, hide, free. */
#include "support/scheduler_fixture.h"

#include "base/log.h"
#include "scheduler/job.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SUCCESS     "containerd_exporter_collector_success{collector=\"x\"} "
#define FAILURE     "containerd_exporter_collector_failure_info{collector=\"x\","
#define DURATION    "containerd_exporter_collector_duration_seconds{collector=\"x\"} "
#define LAST_UPDATE "containerd_inventory_last_update_timestamp_seconds{collector=\"x\"} "
#define RUNS        "fake_runs_total{name=\"x\"} "

struct world {
    struct board *board;
    struct fake fake;
    struct config config;
};

static void world_init(struct world *world)
{
    *world = (struct world){.board = board_new()};
    fake_config_init(&world->config);
}

static void world_deinit(struct world *world)
{
    config_deinit(&world->config);
    board_free(world->board);
}

static struct job *open_job(struct world *world, const struct collector *collector)
{
    struct error err;
    struct job *job = job_new(
        world->board, fake_job(&world->config, collector, "x", "1", &world->fake), NULL, &err);

    assert_non_null(job);
    job_show(job);
    return job;
}

static enum error_code run_job(struct job *job)
{
    struct cancel cancel;
    enum error_code code;

    cancel_init(&cancel, clock_now_ns() + FAKE_SELDOM_NS);
    code = job_run(job, &(struct run_options){.cancel = &cancel}).code;
    cancel_deinit(&cancel);
    return code;
}

static bool shows(struct world *world, const char *what)
{
    return page_count(world->board, what) == 1;
}

static void shows_initial_samples_after_job_show(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(job_freep) struct job *job = NULL;
    struct error err;

    (void)state;
    world_init(&world);
    job = job_new(world.board, fake_job(&world.config, &fake_inventory, "x", "1", &world.fake),
                  NULL, &err);
    assert_non_null(job);
    assert_int_equal(page_count(world.board, RUNS), 0);
    job_show(job);
    assert_true(shows(&world, RUNS "0\n"));
    job_show(job);
    assert_true(shows(&world, RUNS "0\n"));
    assert_int_equal(page_count(world.board, SUCCESS), 0); /* it has not run yet */
}

static void posts_samples_and_the_result_of_the_run(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(job_freep) struct job *job = NULL;

    (void)state;
    world_init(&world);
    job = open_job(&world, &fake_inventory);
    assert_int_equal(run_job(job), ERROR_NONE);
    assert_int_equal(run_job(job), ERROR_NONE);
    assert_true(shows(&world, RUNS "2\n"));
    assert_true(shows(&world, SUCCESS "1\n"));
    assert_true(shows(&world, DURATION));
    assert_true(shows(&world, LAST_UPDATE));
}

static void keeps_the_time_of_the_last_success_while_it_fails(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(job_freep) struct job *job = NULL;
    CLEANUP(freep) char *before = NULL, *after = NULL;
    const char *line;

    (void)state;
    world_init(&world);
    job = open_job(&world, &fake_inventory);
    world.fake.outcome = ERROR_RUNTIME;
    assert_int_equal(run_job(job), ERROR_RUNTIME);
    assert_true(shows(&world, SUCCESS "0\n"));
    assert_true(shows(&world, FAILURE "reason=\"runtime\"} 1\n"));
    assert_true(shows(&world, RUNS "1\n")); /* measured before the failure */
    assert_int_equal(page_count(world.board, LAST_UPDATE), 0);
    world.fake.outcome = ERROR_NONE;
    assert_int_equal(run_job(job), ERROR_NONE);
    assert_int_equal(page_count(world.board, FAILURE), 0);
    before = page_text(world.board);
    world.fake.outcome = ERROR_RUNTIME;
    assert_int_equal(run_job(job), ERROR_RUNTIME);
    after = page_text(world.board);
    line = strstr(before, LAST_UPDATE);
    assert_non_null(line);
    assert_non_null(strstr(after, LAST_UPDATE));
    assert_memory_equal(strstr(after, LAST_UPDATE), line, strcspn(line, "\n") + 1);
    assert_true(shows(&world, SUCCESS "0\n"));
}

static void posts_no_samples_about_runs_of_probes(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(job_freep) struct job *job = NULL;

    (void)state;
    world_init(&world);
    job = open_job(&world, &fake_probe);
    assert_int_equal(run_job(job), ERROR_NONE);
    assert_true(shows(&world, RUNS "1\n"));
    assert_int_equal(page_count(world.board, "containerd_"), 0);
}

static void posts_no_update_time_for_the_scrape_lane(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(job_freep) struct job *job = NULL;

    (void)state;
    world_init(&world);
    job = open_job(&world, &fake_scrape);
    assert_int_equal(run_job(job), ERROR_NONE);
    assert_true(shows(&world, SUCCESS "1\n"));
    assert_int_equal(page_count(world.board, LAST_UPDATE), 0);
}

static void fails_if_there_are_too_many_samples(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(job_freep) struct job *job = NULL;

    (void)state;
    world_init(&world);
    job = open_job(&world, &fake_inventory);
    world.fake.too_many_samples = true;
    assert_int_equal(run_job(job), ERROR_LIMIT);
    world.fake.too_many_samples = false;
    assert_int_equal(run_job(job), ERROR_NONE);
    assert_true(shows(&world, SUCCESS "1\n"));
}

static void stops_when_canceled_or_late(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(job_freep) struct job *job = NULL;
    struct cancel cancel;

    (void)state;
    world_init(&world);
    job = open_job(&world, &fake_inventory);
    cancel_init(&cancel, clock_now_ns() + FAKE_SELDOM_NS);
    cancel_now(&cancel);
    assert_int_equal(job_run(job, &(struct run_options){.cancel = &cancel}).code, ERROR_CANCELED);
    cancel_deinit(&cancel);
    cancel_init(&cancel, clock_now_ns() - 1);
    assert_int_equal(job_run(job, &(struct run_options){.cancel = &cancel}).code, ERROR_TIMEOUT);
    cancel_deinit(&cancel);
}

static void leaves_no_slots_if_it_cannot_open(void **state)
{
    CLEANUP(world_deinit) struct world world;
    struct config_job *plan;
    struct error err;

    (void)state;
    world_init(&world);
    world.fake.refuses_to_open = true;
    plan = fake_job(&world.config, &fake_inventory, "x", "1", &world.fake);
    assert_null(job_new(world.board, plan, NULL, &err));
    assert_string_equal(err.message, "x: cannot open");
    assert_int_equal(world.fake.closed, 0);
    assert_int_equal(page_count(world.board, "x"), 0);
}

static void closes_once_and_clears_the_board(void **state)
{
    CLEANUP(world_deinit) struct world world;
    struct job *job;

    (void)state;
    world_init(&world);
    job = open_job(&world, &fake_inventory);
    assert_int_equal(run_job(job), ERROR_NONE);
    job_hide(job);
    assert_int_equal(page_count(world.board, "x"), 0);
    assert_int_equal(world.fake.closed, 0);
    job_free(job);
    assert_int_equal(world.fake.opened, 1);
    assert_int_equal(world.fake.closed, 1);
}

static void matches_by_collector_name_and_settings(void **state)
{
    static const struct {
        const struct collector *collector;
        const char *name, *settings;
        bool want;
    } rows[] = {
        {&fake_inventory, "x", "1", true},
        {&fake_inventory, "x", "2", false},
        {&fake_inventory, "y", "1", false},
        {&fake_probe, "x", "1", false},
    };
    CLEANUP(world_deinit) struct world world;
    CLEANUP(job_freep) struct job *job = NULL;

    (void)state;
    world_init(&world);
    job = open_job(&world, &fake_inventory);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(job_matches(job, fake_job(&world.config, rows[i].collector, rows[i].name,
                                                   rows[i].settings, &world.fake)),
                         rows[i].want);
}

static void posts_nothing_for_a_skipped_run(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(job_freep) struct job *job = NULL;
    struct cancel cancel;
    struct outcome outcome;

    (void)state;
    world_init(&world);
    world.fake.outcome = ERROR_TIMEOUT;
    job = open_job(&world, &fake_inventory);
    run_job(job);
    world.fake.skips = true;
    cancel_init(&cancel, clock_now_ns() + FAKE_SELDOM_NS);
    outcome = job_run(job, &(struct run_options){.cancel = &cancel});
    cancel_deinit(&cancel);
    assert_true(outcome.skipped);
    assert_int_equal(outcome.code, ERROR_NONE);
    assert_int_equal(world.fake.runs, 2);
    assert_true(shows(&world, "fake_runs_total{name=\"x\"} 1\n"));
    assert_true(job->failing);
}

static unsigned reports, counted;

static void count_report(struct job *job, const struct run_record *record, bool counts)
{
    (void)job;
    reports++;
    counted += counts;
    assert_string_equal(record->probe, "x");
}

static void run_with(struct job *job, struct history *history, enum run_trigger trigger,
                     bool canceled)
{
    struct cancel cancel;

    cancel_init(&cancel, clock_now_ns() + FAKE_SELDOM_NS);
    if (canceled)
        cancel_now(&cancel);
    job_run(job,
            &(struct run_options){
                .cancel = &cancel, .trigger = trigger, .history = history, .report = count_report});
    cancel_deinit(&cancel);
}

static void records_every_run_of_a_probe(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(job_freep) struct job *job = NULL;
    CLEANUP(history_freep) struct history *history = NULL;
    CLEANUP(history_list_freep) struct history_list *list = NULL;
    struct error err;

    (void)state;
    world_init(&world);
    history = history_new(10, (size_t)64 << 10, &err);
    assert_non_null(history);
    job = open_job(&world, &fake_probe);
    reports = counted = 0;
    world.fake.outcome = ERROR_TLS;
    run_with(job, history, RUN_SCHEDULED, false);
    world.fake.outcome = ERROR_NONE;
    world.fake.seconds = 0.25;
    run_with(job, history, RUN_RETRY, false);
    world.fake.seconds = 0;
    world.fake.warns = true;
    run_with(job, history, RUN_DEMAND, true);
    world.fake.skips = true;
    run_with(job, history, RUN_SCHEDULED, false);
    assert_int_equal(reports, 4);
    assert_int_equal(counted, 2); /* neither the canceled nor the skipped run */
    assert_int_equal(world.fake.retries, 1);
    list = history_find(history, "x", NULL, 0);
    assert_int_equal(list->count, 3);
    assert_int_equal(list->records[0]->reason, ERROR_CANCELED);
    assert_int_equal(list->records[0]->trigger, RUN_DEMAND);
    assert_string_equal(list->records[0]->warning, "configured warning");
    assert_int_equal(list->records[1]->reason, ERROR_NONE);
    assert_string_equal(list->records[1]->message, "");
    assert_string_equal(list->records[1]->warning, "");
    assert_string_equal(list->records[1]->log, "");
    assert_true(list->records[1]->seconds == 0.25);
    assert_int_equal(list->records[2]->reason, ERROR_TLS);
    assert_string_equal(list->records[2]->message, "configured failure");
    assert_string_equal(list->records[2]->operation, "fake_probe");
    assert_string_not_equal(list->records[2]->id, list->records[1]->id);
    assert_true(list->records[2]->timeout_seconds > 3000);
    assert_true(list->records[2]->timeout_seconds <= 3600);
    assert_true(list->records[2]->seconds >= 0);
    assert_true(list->records[2]->start > 1600000000);
}

/* Runs the job with stderr in a file; returns how often `text` was logged. */
static size_t logged(struct job *job, const char *text)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    char log[8192] = "";
    size_t n = 0;

    assert_non_null(file);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    run_job(job);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    rewind(file);
    log[fread(log, 1, sizeof(log) - 1, file)] = '\0';
    fclose(file);
    for (const char *at = log; (at = strstr(at, text)); at++)
        n++;
    return n;
}

static void logs_changes_only(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(job_freep) struct job *job = NULL, *probe = NULL;

    (void)state;
    log_set_level(LOG_INFO);
    log_set_prober_level(LOG_INFO);
    world_init(&world);
    job = open_job(&world, &fake_inventory);
    assert_int_equal(logged(job, "level="), 0);
    world.fake.outcome = ERROR_TLS;
    assert_int_equal(logged(job, "WARN source=job.c"), 1);
    assert_int_equal(logged(job, "level="), 0);
    world.fake.outcome = ERROR_NONE;
    assert_int_equal(logged(job, "msg=\"collector x works again\""), 1);
    assert_int_equal(logged(job, "level="), 0);
    world.fake.outcome = ERROR_RUNTIME_UNAVAILABLE;
    assert_int_equal(logged(job, "level="), 0);
    world.fake.outcome = ERROR_RUNTIME_FORBIDDEN;
    assert_int_equal(logged(job, "level="), 0);
    assert_false(job->failing);
    world.fake.outcome = ERROR_DNS;
    probe = open_job(&world, &fake_probe);
    assert_int_equal(logged(probe, "msg=\"probe x fails, reason dns: configured failure\" run="),
                     1);
    log_set_prober_level(LOG_DEBUG);
    assert_int_equal(logged(probe, "level=DEBUG"), 1);
    log_set_level(LOG_ERROR);
    log_set_prober_level(LOG_ERROR);
}

static void logs_a_warning_once(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(job_freep) struct job *job = NULL;

    (void)state;
    log_set_level(LOG_INFO);
    world_init(&world);
    job = open_job(&world, &fake_inventory);
    world.fake.warns = true;
    assert_int_equal(logged(job, "level=WARN source=job.c"), 1);
    assert_int_equal(logged(job, "level="), 0);
    world.fake.warns = false;
    assert_int_equal(logged(job, "level="), 0);
    world.fake.warns = true;
    assert_int_equal(logged(job, "msg=\"x: configured warning\""), 1);
    log_set_level(LOG_ERROR);
}

static enum error_code run_until(struct job *job, int64_t deadline_ns, bool shortened)
{
    struct cancel cancel;
    enum error_code code;

    cancel_init(&cancel, deadline_ns);
    code = job_run(job, &(struct run_options){.cancel = &cancel, .deadline_shortened = shortened})
               .code;
    cancel_deinit(&cancel);
    return code;
}

/* A shortened deadline interrupts a run; the job's own deadline does not. */
static void distinguishes_interruptions_from_failures(void **state)
{
    CLEANUP(world_deinit) struct world world;
    CLEANUP(job_freep) struct job *job = NULL;

    (void)state;
    world_init(&world);
    job = open_job(&world, &fake_probe);
    assert_int_equal(run_until(job, clock_now_ns() - 1, true), ERROR_CANCELED);
    assert_false(job->failing);
    assert_int_equal(run_until(job, clock_now_ns() - 1, false), ERROR_TIMEOUT);
    assert_true(job->failing);
    job->failing = false;
    world.fake.outcome = ERROR_TIMEOUT; /* of a part of the run, before the deadline */
    assert_int_equal(run_until(job, clock_now_ns() + FAKE_SELDOM_NS, true), ERROR_TIMEOUT);
    assert_true(job->failing);
    job->failing = false;
    world.fake.outcome = ERROR_CANCELED; /* by the daemon, not by the scheduler */
    assert_int_equal(run_job(job), ERROR_CANCELED);
    assert_true(job->failing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_initial_samples_after_job_show),
        cmocka_unit_test(posts_samples_and_the_result_of_the_run),
        cmocka_unit_test(keeps_the_time_of_the_last_success_while_it_fails),
        cmocka_unit_test(posts_no_samples_about_runs_of_probes),
        cmocka_unit_test(posts_no_update_time_for_the_scrape_lane),
        cmocka_unit_test(fails_if_there_are_too_many_samples),
        cmocka_unit_test(stops_when_canceled_or_late),
        cmocka_unit_test(leaves_no_slots_if_it_cannot_open),
        cmocka_unit_test(closes_once_and_clears_the_board),
        cmocka_unit_test(matches_by_collector_name_and_settings),
        cmocka_unit_test(posts_nothing_for_a_skipped_run),
        cmocka_unit_test(records_every_run_of_a_probe),
        cmocka_unit_test(logs_changes_only),
        cmocka_unit_test(logs_a_warning_once),
        cmocka_unit_test(distinguishes_interruptions_from_failures),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
