/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted about calls, and where counting ends. */
#include "net/rpc_stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define THREADS 4
#define CALLS   2000

struct seen {
    size_t count;
    struct rpc_method_stats methods[RPC_METHODS_MAX + 1];
};

static void remember(void *arg, const struct rpc_method_stats *method)
{
    struct seen *seen = arg;

    assert_in_range(seen->count, 0, RPC_METHODS_MAX);
    seen->methods[seen->count++] = *method;
}

static void keeps_methods_in_the_order_of_their_first_call(void **state)
{
    struct rpc_stats stats;
    struct seen seen = {0};

    (void)state;
    rpc_stats_init(&stats);
    rpc_stats_each(&stats, remember, &seen);
    assert_int_equal(seen.count, 0);
    rpc_stats_count(&stats, "/p.S/B", 0, 0.5);
    rpc_stats_count(&stats, "/p.S/A", 5, 0.25);
    rpc_stats_count(&stats, "/p.S/B", 14, 1);
    rpc_stats_each(&stats, remember, &seen);
    assert_int_equal(seen.count, 2);
    assert_string_equal(seen.methods[0].method, "p.S/B");
    assert_true(seen.methods[0].sum_seconds == 1.5);
    assert_int_equal(seen.methods[0].failures[14], 1);
    assert_int_equal(seen.methods[0].failures[0], 0);
    assert_string_equal(seen.methods[1].method, "p.S/A");
    assert_int_equal(seen.methods[1].failures[5], 1);
    rpc_stats_deinit(&stats);
}

static void sorts_durations_into_buckets(void **state)
{
    struct rpc_stats stats;
    struct seen seen = {0};

    (void)state;
    rpc_stats_init(&stats);
    for (size_t i = 0; i < RPC_DURATION_BOUNDS; i++) {
        assert_true(i == 0 || rpc_duration_bounds[i] > rpc_duration_bounds[i - 1]);
        rpc_stats_count(&stats, "/p.S/A", 0, rpc_duration_bounds[i]); /* a bound is inside */
    }
    rpc_stats_count(&stats, "/p.S/A", 0, 0);
    rpc_stats_count(&stats, "/p.S/A", 0, 1e9);
    rpc_stats_each(&stats, remember, &seen);
    for (size_t i = 0; i <= RPC_DURATION_BOUNDS; i++)
        assert_int_equal(seen.methods[0].counts[i], i == 0 ? 2 : 1);
    rpc_stats_deinit(&stats);
}

static void takes_any_status(void **state)
{
    struct rpc_stats stats;
    struct seen seen = {0};
    uint64_t failures = 0;

    (void)state;
    rpc_stats_init(&stats);
    for (int status = -2; status < RPC_STATUSES + 3; status++)
        rpc_stats_count(&stats, "/p.S/A", status, 0);
    rpc_stats_each(&stats, remember, &seen);
    assert_int_equal(seen.methods[0].counts[0], RPC_STATUSES + 5);
    for (int status = 0; status < RPC_STATUSES; status++)
        failures += seen.methods[0].failures[status];
    assert_int_equal(failures, RPC_STATUSES - 1); /* all but OK and those that do not exist */
    rpc_stats_deinit(&stats);
}

static void stops_at_its_ceiling(void **state)
{
    static char names[RPC_METHODS_MAX + 5][16];
    struct rpc_stats stats;
    struct seen seen = {0};

    (void)state;
    rpc_stats_init(&stats);
    for (int turn = 0; turn < 2; turn++)
        for (size_t i = 0; i < RPC_METHODS_MAX + 5; i++) {
            snprintf(names[i], sizeof(names[i]), "/p.S/M%zu", i);
            rpc_stats_count(&stats, names[i], 0, 0);
        }
    rpc_stats_each(&stats, remember, &seen);
    assert_int_equal(seen.count, RPC_METHODS_MAX);
    for (size_t i = 0; i < RPC_METHODS_MAX; i++)
        assert_int_equal(seen.methods[i].counts[0], 2);
    rpc_stats_deinit(&stats);
}

static void *call_often(void *arg)
{
    for (int i = 0; i < CALLS; i++)
        rpc_stats_count(arg, i % 2 ? "/p.S/A" : "/p.S/B", i % 2, 0);
    return NULL;
}

static void loses_nothing_between_threads(void **state)
{
    struct rpc_stats stats;
    struct seen seen = {0};
    pthread_t threads[THREADS];

    (void)state;
    rpc_stats_init(&stats);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &stats), 0);
    for (int i = 0; i < 20; i++) {
        seen.count = 0;
        rpc_stats_each(&stats, remember, &seen);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    seen.count = 0;
    rpc_stats_each(&stats, remember, &seen);
    assert_int_equal(seen.count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(seen.methods[i].counts[0], THREADS * CALLS / 2);
    rpc_stats_deinit(&stats);
}

static void counts_a_failure_without_a_duration(void **state)
{
    CLEANUP(rpc_stats_deinit) struct rpc_stats stats;

    (void)state;
    rpc_stats_init(&stats);
    rpc_stats_count(&stats, "/p.S/A", 14, -1);
    rpc_stats_count(&stats, "/p.S/A", 14, -1);
    assert_int_equal(stats.methods_[0].failures[14], 2);
    for (size_t i = 0; i <= RPC_DURATION_BOUNDS; i++)
        assert_int_equal(stats.methods_[0].counts[i], 0);
    assert_true(stats.methods_[0].sum_seconds == 0);
    rpc_stats_count(&stats, "/p.S/A", 0, 0);
    assert_int_equal(stats.methods_[0].counts[0], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_methods_in_the_order_of_their_first_call),
        cmocka_unit_test(sorts_durations_into_buckets),
        cmocka_unit_test(takes_any_status),
        cmocka_unit_test(stops_at_its_ceiling),
        cmocka_unit_test(loses_nothing_between_threads),
        cmocka_unit_test(counts_a_failure_without_a_duration),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
