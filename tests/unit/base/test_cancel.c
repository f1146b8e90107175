/* SPDX-License-Identifier: Apache-2.0 */
/* A cancel ends work at its deadline or by cancel_now(), and wakes each watcher. */
#include "base/cancel.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void count_wake(void *arg)
{
    ++*(unsigned *)arg;
}

static void wakes_all_watchers(void **state)
{
    struct cancel cancel;
    unsigned woken[3] = {0};
    struct cancel_watcher watchers[] = {
        {count_wake, &woken[0], NULL},
        {count_wake, &woken[1], NULL},
        {count_wake, &woken[2], NULL},
    };
    struct error err = {0};

    (void)state;
    cancel_init(&cancel, INT64_MAX);
    for (size_t i = 0; i < 3; i++)
        assert_true(cancel_watch(&cancel, &watchers[i], &err));
    cancel_unwatch(&cancel, &watchers[1]);
    cancel_unwatch(&cancel, &watchers[1]); /* again: no effect */
    assert_true(cancel_check(&cancel, &err));
    assert_false(cancel_requested(&cancel));
    cancel_now(&cancel);
    assert_int_equal(woken[0], 1);
    assert_int_equal(woken[1], 0);
    assert_int_equal(woken[2], 1);
    assert_true(cancel_requested(&cancel));
    assert_false(cancel_check(&cancel, &err));
    assert_int_equal(err.code, ERROR_CANCELED);
    err = (struct error){0};
    assert_false(cancel_watch(&cancel, &watchers[1], &err)); /* after cancel_now() */
    assert_int_equal(err.code, ERROR_CANCELED);
    cancel_unwatch(&cancel, &watchers[2]);
    cancel_unwatch(&cancel, &watchers[0]);
    cancel_deinit(&cancel);
}

struct sleeper {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool awake;
    struct cancel *cancel;
};

static void wake_sleeper(void *arg)
{
    struct sleeper *sleeper = arg;
    LOCK_SCOPE(&sleeper->lock);

    sleeper->awake = true;
    pthread_cond_signal(&sleeper->changed);
}

static void *sleep_until_woken(void *arg)
{
    struct sleeper *sleeper = arg;
    struct cancel_watcher watcher = {wake_sleeper, sleeper, NULL};
    struct error err;

    if (!cancel_watch(sleeper->cancel, &watcher, &err))
        return NULL;
    pthread_mutex_lock(&sleeper->lock);
    while (!sleeper->awake)
        pthread_cond_wait(&sleeper->changed, &sleeper->lock);
    pthread_mutex_unlock(&sleeper->lock);
    cancel_unwatch(sleeper->cancel, &watcher);
    return NULL;
}

static void wakes_other_threads(void **state)
{
    struct cancel cancel;
    struct sleeper sleepers[2];
    pthread_t threads[2];

    (void)state;
    cancel_init(&cancel, INT64_MAX);
    for (size_t i = 0; i < 2; i++) {
        sleepers[i] = (struct sleeper){.cancel = &cancel};
        pthread_mutex_init(&sleepers[i].lock, NULL);
        pthread_cond_init(&sleepers[i].changed, NULL);
        pthread_create(&threads[i], NULL, sleep_until_woken, &sleepers[i]);
    }
    cancel_now(&cancel);
    for (size_t i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        pthread_cond_destroy(&sleepers[i].changed);
        pthread_mutex_destroy(&sleepers[i].lock);
    }
    cancel_deinit(&cancel);
}

static void a_passed_deadline_is_a_timeout(void **state)
{
    struct cancel cancel;
    struct cancel_watcher watcher = {count_wake, NULL, NULL};
    struct error err = {0};

    (void)state;
    cancel_init(&cancel, clock_now_ns());
    assert_false(cancel_check(&cancel, &err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    assert_false(cancel_requested(&cancel));
    assert_false(cancel_watch(&cancel, &watcher, &err));
    cancel_now(&cancel); /* counts more than the deadline */
    assert_false(cancel_check(&cancel, &err));
    assert_int_equal(err.code, ERROR_CANCELED);
    cancel_deinit(&cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wakes_all_watchers),
        cmocka_unit_test(wakes_other_threads),
        cmocka_unit_test(a_passed_deadline_is_a_timeout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
