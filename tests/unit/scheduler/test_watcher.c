/* SPDX-License-Identifier: Apache-2.0 */
/* The thread behind watch(): tells, pauses, ends. What a job makes of it: test_scheduler.c. */
#include "support/scheduler_fixture.h"

#include "scheduler/watcher.h"

struct told {
    unsigned times;
};

static void tell(void *arg)
{
    struct told *told = arg;
    LOCK_SCOPE(&fake_lock);

    told->times++;
    pthread_cond_broadcast(&fake_changed);
}

static struct watcher *start(struct fake_state *state, struct told *told, int64_t pause_ns)
{
    const struct watcher_options options = {.name = "x",
                                            .collector = &fake_watched,
                                            .state = state,
                                            .changed = tell,
                                            .arg = told,
                                            .pause_ns = pause_ns,
                                            .pause_max_ns = pause_ns * 4};
    struct error err;
    struct watcher *watcher = watcher_start(&options, &err);

    assert_non_null(watcher);
    return watcher;
}

static void tells_every_change(void **state)
{
    CLEANUP(watcher_freep) struct watcher *watcher = NULL;
    static struct fake fake;
    static struct told told;
    struct fake_state job = {.fake = &fake};

    (void)state;
    watcher = start(&job, &told, FAKE_SELDOM_NS);
    fake_await(&fake.watching, 1);
    assert_int_equal(fake_get(&told.times), 0);
    fake_change(&fake, 3);
    fake_await(&told.times, 3);
    fake_await(&fake.watches, 4);
}

static void tries_again_where_it_cannot_watch(void **state)
{
    CLEANUP(watcher_freep) struct watcher *watcher = NULL;
    static struct fake fake = {.watch_fails = true};
    static struct told told;
    struct fake_state job = {.fake = &fake};

    (void)state;
    watcher = start(&job, &told, FAKE_OFTEN_NS);
    fake_await(&fake.watches, 5);
    assert_int_equal(fake_get(&told.times), 0);
    fake_set(&fake.watch_fails, false);
    fake_change(&fake, 1);
    fake_await(&told.times, 1);
}

/* The pause is an hour; the test ends at once. */
static void ends_while_it_pauses(void **state)
{
    static struct fake fake = {.watch_fails = true};
    static struct told told;
    struct fake_state job = {.fake = &fake};
    struct watcher *watcher;

    (void)state;
    watcher = start(&job, &told, FAKE_SELDOM_NS);
    fake_await(&fake.watches, 1);
    watcher_free(watcher);
    assert_int_equal(fake.watches, 1);
    assert_int_equal(told.times, 0);
}

static void ends_while_it_watches(void **state)
{
    static struct fake fake;
    static struct told told;
    struct fake_state job = {.fake = &fake};
    struct watcher *watcher;

    (void)state;
    watcher = start(&job, &told, FAKE_SELDOM_NS);
    fake_await(&fake.watching, 1);
    watcher_cancel(watcher);
    watcher_cancel(watcher);
    watcher_join(watcher);
    watcher_join(watcher);
    assert_int_equal(fake.watching, 0);
    watcher_free(watcher);
    assert_int_equal(told.times, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_every_change),
        cmocka_unit_test(tries_again_where_it_cannot_watch),
        cmocka_unit_test(ends_while_it_pauses),
        cmocka_unit_test(ends_while_it_watches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
