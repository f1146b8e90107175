/* SPDX-License-Identifier: Apache-2.0 */
/* The watcher's thread: reports, backs off, stops. Its effect on jobs: test_scheduler.c. */
#include "support/scheduler_fixture.h"

#include "scheduler/watcher.h"
#include "support/failures.h"

#include <string.h>

struct reports {
    unsigned count;
};

static void count_report(void *arg)
{
    struct reports *reports = arg;
    LOCK_SCOPE(&fake_lock);

    reports->count++;
    pthread_cond_broadcast(&fake_changed);
}

static struct watcher *start(struct fake_state *state, struct reports *reports, int64_t pause_ns)
{
    const struct watcher_options options = {.name = "x",
                                            .collector = &fake_watched,
                                            .state = state,
                                            .changed = count_report,
                                            .arg = reports,
                                            .pause_ns = pause_ns,
                                            .pause_max_ns = pause_ns * 4};
    struct error err;
    struct watcher *watcher = watcher_start(&options, &err);

    assert_non_null(watcher);
    return watcher;
}

static void reports_every_change(void **state)
{
    CLEANUP(watcher_freep) struct watcher *watcher = NULL;
    static struct fake fake;
    static struct reports reports;
    struct fake_state job = {.fake = &fake};

    (void)state;
    watcher = start(&job, &reports, FAKE_SELDOM_NS);
    fake_await(&fake.watching, 1);
    assert_int_equal(fake_get(&reports.count), 0);
    fake_change(&fake, 3);
    fake_await(&reports.count, 3);
    fake_await(&fake.watches, 4);
}

static void retries_if_it_cannot_watch(void **state)
{
    CLEANUP(watcher_freep) struct watcher *watcher = NULL;
    static struct fake fake = {.watch_fails = true};
    static struct reports reports;
    struct fake_state job = {.fake = &fake};

    (void)state;
    watcher = start(&job, &reports, FAKE_OFTEN_NS);
    fake_await(&fake.watches, 5);
    assert_int_equal(fake_get(&reports.count), 0);
    fake_set(&fake.watch_fails, false);
    fake_change(&fake, 1);
    fake_await(&reports.count, 1);
}

/* The back-off is an hour; the test ends at once. */
static void stops_during_a_back_off(void **state)
{
    static struct fake fake = {.watch_fails = true};
    static struct reports reports;
    struct fake_state job = {.fake = &fake};
    struct watcher *watcher;

    (void)state;
    watcher = start(&job, &reports, FAKE_SELDOM_NS);
    fake_await(&fake.watches, 1);
    watcher_free(watcher);
    assert_int_equal(fake.watches, 1);
    assert_int_equal(reports.count, 0);
}

static void stops_during_watch(void **state)
{
    static struct fake fake;
    static struct reports reports;
    struct fake_state job = {.fake = &fake};
    struct watcher *watcher;

    (void)state;
    watcher = start(&job, &reports, FAKE_SELDOM_NS);
    fake_await(&fake.watching, 1);
    watcher_cancel(watcher);
    watcher_cancel(watcher);
    watcher_join(watcher);
    watcher_join(watcher);
    assert_int_equal(fake.watching, 0);
    watcher_free(watcher);
    assert_int_equal(reports.count, 0);
}

static void fails_without_memory_or_threads(void **state)
{
    static struct fake fake;
    struct fake_state job = {.fake = &fake};
    const struct watcher_options options = {.name = "x",
                                            .collector = &fake_watched,
                                            .state = &job,
                                            .pause_ns = FAKE_SELDOM_NS,
                                            .pause_max_ns = FAKE_SELDOM_NS};
    struct watcher *watcher;
    struct error err;

    (void)state;
    fail_allocations_after(0);
    watcher = watcher_start(&options, &err);
    fail_nothing();
    if (watcher)
        watcher_free(watcher);
    else
        assert_int_equal(err.code, ERROR_MEMORY);
    fail_threads_after(0);
    watcher = watcher_start(&options, &err);
    fail_nothing();
    if (watcher)
        watcher_free(watcher);
    else
        assert_non_null(strstr(err.message, "cannot start a thread"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_every_change),
        cmocka_unit_test(retries_if_it_cannot_watch),
        cmocka_unit_test(stops_during_a_back_off),
        cmocka_unit_test(stops_during_watch),
        cmocka_unit_test(fails_without_memory_or_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
