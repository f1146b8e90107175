/* SPDX-License-Identifier: Apache-2.0 */
/* Computed run times. Both clocks are simulated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "scheduler/schedule.h"

#include <stdlib.h>
#include <time.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define SECOND       NS_PER_SECOND
#define MINUTE       (60 * SECOND)
#define HOUR         (60 * MINUTE)
#define JOB          UINT64_C(0x123456789abcdef)
#define EPOCH        INT64_C(1795478400) /* 2026-11-24 00:00 */

static const struct outcome good = {.code = ERROR_NONE}, bad = {.code = ERROR_CONNECT};

struct world {
    struct schedule schedule;
    struct cron cron;
    struct moment now;
    int64_t due_ns;
};

static void start(struct world *world)
{
    world->now = (struct moment){1000 * HOUR, EPOCH * SECOND + 12345678};
    world->due_ns = schedule_start(&world->schedule, &world->now);
}

static void start_interval(struct world *world, int64_t interval_ns, int64_t retry_ns, uint64_t job)
{
    schedule_init_probe(&world->schedule, NULL, interval_ns, retry_ns, 30 * SECOND, job);
    start(world);
}

static void start_cron(struct world *world, const char *line, int64_t spread_ns, uint64_t job)
{
    struct error err;

    assert_true(cron_parse(&world->cron, line, &err));
    schedule_init_probe(&world->schedule, &world->cron,
                        cron_shortest_gap_seconds(&world->cron) * SECOND, MINUTE, spread_ns, job);
    start(world);
}

static void pass(struct world *world, int64_t ns)
{
    world->now.monotonic_ns += ns;
    world->now.unix_ns += ns;
}

/* Advances the clocks until the job runs; returns how far. */
static int64_t run_next(struct world *world)
{
    int64_t start_ns = world->now.monotonic_ns;

    for (size_t i = 0; i < 100000; i++) {
        assert_true(world->due_ns - world->now.monotonic_ns <= HOUR * 400 * 24);
        if (world->due_ns > world->now.monotonic_ns)
            pass(world, world->due_ns - world->now.monotonic_ns);
        if (schedule_ready(&world->schedule, &world->now, &world->due_ns))
            return world->now.monotonic_ns - start_ns;
    }
    fail_msg("the job never runs");
    return 0;
}

static void end(struct world *world, int64_t took_ns, const struct outcome *outcome)
{
    pass(world, took_ns);
    world->due_ns = schedule_follow(&world->schedule, outcome, &world->now);
}

static void runs_soon_after_the_start_then_on_a_grid(void **state)
{
    static const int64_t intervals[] = {SECOND, 5 * SECOND, 5 * MINUTE, HOUR, 24 * HOUR};

    (void)state;
    for (size_t i = 0; i < COUNT(intervals); i++)
        for (uint64_t job = JOB; job != JOB * 41; job += JOB) {
            struct world world;
            int64_t first_ns, second_ns;

            start_interval(&world, intervals[i], 0, job);
            assert_in_range(run_next(&world), 0, 30 * SECOND);
            first_ns = world.now.monotonic_ns;
            end(&world, 7 * NS_PER_MS, &good);
            run_next(&world);
            second_ns = world.now.monotonic_ns;
            assert_in_range(second_ns - first_ns, intervals[i] / 2, intervals[i] * 3 / 2);
            for (int n = 1; n <= 3; n++) {
                assert_int_equal(world.now.unix_ns % intervals[i], job % (uint64_t)intervals[i]);
                assert_int_equal(world.now.monotonic_ns, second_ns + (n - 1) * intervals[i]);
                end(&world, 7 * NS_PER_MS, &good);
                run_next(&world);
            }
        }
}

/* A hundred nodes start at the same time: at most thirty run in each tenth of the interval. */
static void a_fleet_is_spread_over_the_interval(void **state)
{
    size_t tenths[10] = {0};

    (void)state;
    for (uint64_t node = 1; node <= 100; node++) {
        struct world world;

        start_interval(&world, 10 * MINUTE, 0, node * UINT64_C(0x9e3779b97f4a7c15));
        run_next(&world);
        end(&world, SECOND, &good);
        run_next(&world);
        tenths[world.now.unix_ns % (10 * MINUTE) / MINUTE]++;
    }
    for (size_t i = 0; i < COUNT(tenths); i++)
        assert_in_range(tenths[i], 1, 30);
}

static void a_long_run_skips_the_times_it_missed(void **state)
{
    struct world world;

    (void)state;
    start_interval(&world, MINUTE, 0, JOB);
    run_next(&world);
    end(&world, 10 * MINUTE + 7 * SECOND, &good);
    assert_in_range(run_next(&world), 1, MINUTE);
    assert_int_equal(world.now.unix_ns % MINUTE, JOB % MINUTE);
}

static void the_inventory_interval_counts_from_the_start(void **state)
{
    static const struct outcome gone = {.code = ERROR_RUNTIME_UNAVAILABLE};
    struct world world;

    (void)state;
    schedule_init_inventory(&world.schedule, 30 * SECOND);
    start(&world);
    assert_int_equal(run_next(&world), 0);
    end(&world, 2 * SECOND, &good);
    assert_int_equal(run_next(&world), 28 * SECOND);
    end(&world, 31 * SECOND, &bad); /* longer than the interval */
    assert_int_equal(run_next(&world), 29 * SECOND);
    end(&world, 0, &gone);
    assert_int_equal(run_next(&world), SECOND);
    world.now.unix_ns -= 24 * HOUR; /* has no effect */
    end(&world, 0, &good);
    assert_int_equal(run_next(&world), 30 * SECOND);
}

/* ---- cron ---- */

static void a_cron_line_runs_only_at_its_times(void **state)
{
    struct world world;

    (void)state;
    start_cron(&world, "30 3 * * *", 0, JOB);
    run_next(&world);
    assert_int_equal(world.now.unix_ns, (EPOCH + 3 * 3600 + 1800) * SECOND);
    end(&world, 3 * SECOND, &good);
    assert_int_equal(run_next(&world), 24 * HOUR - 3 * SECOND);
}

static void the_jitter_of_cron_is_a_tenth_of_its_gap(void **state)
{
    static const struct {
        const char *line;
        int64_t spread_ns, most_ns;
    } table[] = {{"* * * * *", 30 * SECOND, 6 * SECOND},
                 {"*/5 * * * *", 30 * SECOND, 30 * SECOND},
                 {"@daily", 3 * HOUR, 144 * MINUTE},
                 {"@daily", HOUR, HOUR}};

    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        int64_t least_ns = HOUR, most_ns = 0;

        for (uint64_t job = 1; job <= 50; job++) {
            struct world world;
            int64_t late_ns;

            start_cron(&world, table[i].line, table[i].spread_ns,
                       job * UINT64_C(0x9e3779b97f4a7c15));
            run_next(&world);
            end(&world, SECOND, &good);
            run_next(&world);
            late_ns = world.now.unix_ns - world.schedule.shift_ns;
            assert_int_equal(late_ns % (60 * SECOND), 0);
            late_ns = world.schedule.shift_ns;
            assert_in_range(late_ns, 0, table[i].most_ns - 1);
            least_ns = late_ns < least_ns ? late_ns : least_ns;
            most_ns = late_ns > most_ns ? late_ns : most_ns;
        }
        assert_true(least_ns < table[i].most_ns / 4 && most_ns > table[i].most_ns * 3 / 4);
    }
}

/* ---- changes of the wall clock ---- */

static void a_clock_set_forward_is_noticed_within_a_minute(void **state)
{
    struct world world;

    (void)state;
    start_cron(&world, "0 12 * * *", 0, JOB);
    pass(&world, HOUR);
    world.now.unix_ns += 11 * HOUR - 30 * SECOND; /* 30 s to go, instead of 11 hours */
    assert_in_range(run_next(&world), 0, MINUTE);
    end(&world, SECOND, &good);
    assert_in_range(run_next(&world), 24 * HOUR - 2 * MINUTE, 24 * HOUR);
}

static void a_clock_set_back_does_not_delay_runs(void **state)
{
    struct world world;

    (void)state;
    start_interval(&world, 5 * MINUTE, 0, JOB);
    run_next(&world);
    end(&world, SECOND, &good);
    world.now.unix_ns -= 400 * 24 * HOUR;
    assert_in_range(run_next(&world), 0, 6 * MINUTE);
    end(&world, SECOND, &good);
    world.now.unix_ns -= 400 * 24 * HOUR;
    assert_in_range(run_next(&world), 0, 6 * MINUTE);
    assert_int_equal(world.now.unix_ns % (5 * MINUTE), JOB % (5 * MINUTE));
}

/* By a little, like a time server does. */
static void a_clock_set_back_a_little_repeats_no_run(void **state)
{
    struct world world;

    (void)state;
    start_cron(&world, "*/5 * * * *", 0, JOB);
    run_next(&world);
    world.now.unix_ns -= 20 * SECOND;
    end(&world, SECOND, &good);
    assert_int_equal(run_next(&world), 5 * MINUTE + 19 * SECOND);
    start_cron(&world, "@daily", 0, JOB);
    run_next(&world);
    world.now.unix_ns -= HOUR;
    end(&world, SECOND, &good);
    assert_int_equal(run_next(&world), 25 * HOUR - SECOND);
}

/* ---- retries and constraints of jobs ---- */

static void a_failure_is_retried(void **state)
{
    struct world world;

    (void)state;
    start_interval(&world, HOUR, MINUTE, JOB);
    assert_false(world.schedule.retry);
    run_next(&world);
    for (int i = 0; i < 3; i++) {
        end(&world, 2 * SECOND, &bad);
        assert_true(world.schedule.retry);
        assert_int_equal(run_next(&world), MINUTE);
    }
    end(&world, 2 * SECOND, &good);
    assert_false(world.schedule.retry);
    run_next(&world);
    assert_int_equal(world.now.unix_ns % HOUR, JOB % HOUR);
}

static void a_retry_does_not_replace_the_regular_run(void **state)
{
    struct world world;

    (void)state;
    start_interval(&world, 90 * SECOND, MINUTE, JOB);
    run_next(&world);
    end(&world, SECOND, &good);
    run_next(&world);
    end(&world, SECOND, &bad);
    assert_int_equal(run_next(&world), MINUTE);
    end(&world, SECOND, &bad);
    assert_false(world.schedule.retry);
    assert_int_equal(run_next(&world), 28 * SECOND);
    start_interval(&world, 10 * SECOND, MINUTE, JOB);
    run_next(&world);
    end(&world, SECOND, &bad);
    assert_false(world.schedule.retry);
    start_interval(&world, HOUR, 0, JOB);
    run_next(&world);
    end(&world, SECOND, &bad);
    assert_false(world.schedule.retry);
    assert_true(run_next(&world) >= 29 * MINUTE);
}

static void some_errors_are_not_retried(void **state)
{
    static const struct {
        enum error_code code;
        bool retry;
    } table[] = {
        {ERROR_NONE, false},
        {ERROR_DNS, true},
        {ERROR_CONNECT, true},
        {ERROR_TLS, true},
        {ERROR_PROXY, true},
        {ERROR_TIMEOUT, true},
        {ERROR_CANCELED, false},
        {ERROR_UNAUTHORIZED, false},
        {ERROR_FORBIDDEN, false},
        {ERROR_NOT_FOUND, true},
        {ERROR_RATE_LIMITED, false},
        {ERROR_SERVER_ERROR, true},
        {ERROR_PROTOCOL, true},
        {ERROR_DIGEST_MISMATCH, true},
        {ERROR_SIZE_MISMATCH, true},
        {ERROR_NOT_COLD, false},
        {ERROR_UNSUPPORTED, false},
        {ERROR_INVALID, false},
        {ERROR_NO_SPACE, false},
        {ERROR_UNPACK, true},
        {ERROR_RUNTIME_UNAVAILABLE, true},
        {ERROR_RUNTIME_FORBIDDEN, true},
        {ERROR_RUNTIME, true},
        {ERROR_LIMIT, false},
        {ERROR_MEMORY, false},
        {ERROR_INTERNAL, true},
    };

    (void)state;
    assert_int_equal(COUNT(table), ERROR_CODES);
    for (size_t i = 0; i < COUNT(table); i++) {
        const struct outcome outcome = {.code = table[i].code};
        struct world world;

        start_interval(&world, HOUR, MINUTE, JOB);
        run_next(&world);
        end(&world, SECOND, &outcome);
        if (world.schedule.retry != table[i].retry)
            fail_msg("%s", error_code_name(table[i].code));
        assert_int_equal(run_next(&world) == MINUTE, table[i].retry);
    }
}

static void a_job_does_not_run_before_not_before_ns(void **state)
{
    struct world world;
    struct outcome outcome = bad;

    (void)state;
    start_interval(&world, HOUR, MINUTE, JOB);
    run_next(&world);
    outcome.not_before_ns = world.now.monotonic_ns + 10 * MINUTE;
    end(&world, SECOND, &outcome);
    assert_true(world.schedule.retry);
    assert_int_equal(run_next(&world), 10 * MINUTE - SECOND);
    outcome.not_before_ns = world.now.monotonic_ns + 3 * HOUR;
    end(&world, SECOND, &outcome);
    assert_false(world.schedule.retry);
    assert_int_equal(run_next(&world), 3 * HOUR - SECOND);
    end(&world, SECOND, &good);
    run_next(&world);
    assert_int_equal(world.now.unix_ns % HOUR, JOB % HOUR);
    outcome = (struct outcome){.not_before_ns = world.now.monotonic_ns +
                                                MINUTE}; /* earlier than the regular run */
    end(&world, SECOND, &outcome);
    assert_int_equal(run_next(&world), HOUR - SECOND);
}

static void a_skipped_run_is_repeated(void **state)
{
    struct world world;
    struct outcome skipped = {.skipped = true};

    (void)state;
    start_interval(&world, HOUR, MINUTE, JOB);
    run_next(&world);
    end(&world, SECOND, &bad);
    run_next(&world);
    skipped.not_before_ns = world.now.monotonic_ns + 5 * MINUTE;
    end(&world, 0, &skipped);
    assert_true(world.schedule.retry); /* unchanged */
    assert_int_equal(run_next(&world), 5 * MINUTE);
    skipped.not_before_ns = 1; /* in the past: at least SKIP_NS all the same */
    end(&world, 0, &skipped);
    assert_int_equal(run_next(&world), SECOND);
    skipped.not_before_ns = 0;
    end(&world, 0, &skipped);
    assert_false(world.schedule.retry);
    run_next(&world);
    assert_int_equal(world.now.unix_ns % HOUR, JOB % HOUR);
}

static void runs_on_demand_do_not_change_the_planned_times(void **state)
{
    struct world world;
    int64_t planned_unix_ns;

    (void)state;
    start_interval(&world, 5 * MINUTE, 0, JOB);
    run_next(&world);
    end(&world, SECOND, &good);
    run_next(&world); /* on the grid */
    planned_unix_ns = world.now.unix_ns + 5 * MINUTE;
    end(&world, SECOND, &good);
    for (int i = 0; i < 3; i++) {
        pass(&world, 30 * SECOND);
        schedule_demand(&world.schedule, &world.now, 10 * SECOND);
        world.due_ns = world.now.monotonic_ns;
        assert_int_equal(run_next(&world), 0);
        end(&world, 2 * SECOND, &good);
        assert_true(schedule_next_unix(&world.schedule, world.due_ns, &world.now) ==
                    ns_to_seconds(planned_unix_ns));
    }
    run_next(&world);
    assert_int_equal(world.now.unix_ns, planned_unix_ns);
}

static void a_planned_run_right_after_one_on_demand_is_left_out(void **state)
{
    struct world world;
    int64_t planned_unix_ns;

    (void)state;
    start_interval(&world, 5 * MINUTE, 0, JOB);
    run_next(&world);
    end(&world, SECOND, &good);
    run_next(&world);
    planned_unix_ns = world.now.unix_ns + 5 * MINUTE;
    end(&world, SECOND, &good);
    pass(&world, planned_unix_ns - world.now.unix_ns - 5 * SECOND);
    schedule_demand(&world.schedule, &world.now, 10 * SECOND);
    world.due_ns = world.now.monotonic_ns;
    assert_int_equal(run_next(&world), 0);
    end(&world, SECOND, &good);
    run_next(&world);
    assert_int_equal(world.now.unix_ns, planned_unix_ns + 5 * MINUTE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_soon_after_the_start_then_on_a_grid),
        cmocka_unit_test(a_fleet_is_spread_over_the_interval),
        cmocka_unit_test(a_long_run_skips_the_times_it_missed),
        cmocka_unit_test(the_inventory_interval_counts_from_the_start),
        cmocka_unit_test(a_cron_line_runs_only_at_its_times),
        cmocka_unit_test(the_jitter_of_cron_is_a_tenth_of_its_gap),
        cmocka_unit_test(a_clock_set_forward_is_noticed_within_a_minute),
        cmocka_unit_test(a_clock_set_back_does_not_delay_runs),
        cmocka_unit_test(a_clock_set_back_a_little_repeats_no_run),
        cmocka_unit_test(a_failure_is_retried),
        cmocka_unit_test(a_retry_does_not_replace_the_regular_run),
        cmocka_unit_test(some_errors_are_not_retried),
        cmocka_unit_test(a_job_does_not_run_before_not_before_ns),
        cmocka_unit_test(a_skipped_run_is_repeated),
        cmocka_unit_test(runs_on_demand_do_not_change_the_planned_times),
        cmocka_unit_test(a_planned_run_right_after_one_on_demand_is_left_out),
    };

    setenv("TZ", "UTC0", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
