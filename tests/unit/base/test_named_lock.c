/* SPDX-License-Identifier: Apache-2.0 */
/* Locks of one name are granted one at a time; different names do not wait. */
#include "base/named_lock.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define THREADS 8
#define ROUNDS  200

struct worker {
    struct named_locks *named_locks;
    const char *name;
    int *counter; /* not atomic: the lock protects it */
    struct cancel *cancel;
    bool got;
    struct error err;
};

static void *work(void *arg)
{
    struct worker *worker = arg;

    for (int i = 0; i < ROUNDS; i++) {
        struct named_lock lock = {.name = worker->name};

        if (!named_lock_acquire(worker->named_locks, &lock, worker->cancel, &worker->err))
            return NULL;
        ++*worker->counter;
        named_lock_release(&lock);
    }
    worker->got = true;
    return NULL;
}

static void *wait_once(void *arg)
{
    struct worker *worker = arg;
    struct named_lock lock = {.name = worker->name};

    worker->got = named_lock_acquire(worker->named_locks, &lock, worker->cancel, &worker->err);
    named_lock_release(&lock);
    return NULL;
}

static void locks_of_one_name_exclude_each_other(void **state)
{
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    int counters[2] = {0, 0};
    struct named_locks named_locks;
    struct cancel cancel;

    (void)state;
    named_locks_init(&named_locks);
    cancel_init(&cancel, INT64_MAX);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.named_locks = &named_locks,
                                     .name = i % 2 ? "odd" : "even",
                                     .counter = &counters[i % 2],
                                     .cancel = &cancel};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(workers[i].got);
    }
    assert_int_equal(counters[0], THREADS / 2 * ROUNDS);
    assert_int_equal(counters[1], THREADS / 2 * ROUNDS);
    cancel_deinit(&cancel);
    named_locks_deinit(&named_locks);
}

static void other_names_do_not_wait(void **state)
{
    struct named_lock a = {.name = "a"}, b = {.name = "b"};
    struct error err = {0};
    struct named_locks named_locks;
    struct cancel cancel;

    (void)state;
    named_locks_init(&named_locks);
    cancel_init(&cancel, INT64_MAX);
    assert_true(named_lock_acquire(&named_locks, &a, &cancel, &err));
    assert_true(named_lock_acquire(&named_locks, &b, &cancel, &err));
    named_lock_release(&a);
    named_lock_release(&a);
    named_lock_release(&b);
    assert_null(named_locks.first_);
    cancel_deinit(&cancel);
    named_locks_deinit(&named_locks);
}

static void a_wait_ends_with_its_deadline(void **state)
{
    struct named_lock first = {.name = "a"}, second = {.name = "a"};
    struct error err = {0};
    struct named_locks named_locks;
    struct cancel cancel, late;

    (void)state;
    named_locks_init(&named_locks);
    cancel_init(&cancel, INT64_MAX);
    cancel_init(&late, clock_now_ns() + 20 * NS_PER_MS);
    assert_true(named_lock_acquire(&named_locks, &first, &cancel, &err));
    assert_false(named_lock_acquire(&named_locks, &second, &late, &err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    assert_false(named_lock_acquire(&named_locks, &second, &late, &err)); /* after the deadline */
    assert_int_equal(err.code, ERROR_TIMEOUT);
    named_lock_release(&first);
    assert_null(named_locks.first_);
    cancel_deinit(&late);
    cancel_deinit(&cancel);
    named_locks_deinit(&named_locks);
}

static void a_wait_can_be_canceled(void **state)
{
    struct named_lock first = {.name = "a"};
    struct error err = {0};
    struct named_locks named_locks;
    struct cancel cancel, other;
    struct worker worker = {.named_locks = &named_locks, .name = "a", .cancel = &other};
    pthread_t thread;

    (void)state;
    named_locks_init(&named_locks);
    cancel_init(&cancel, INT64_MAX);
    cancel_init(&other, INT64_MAX);
    assert_true(named_lock_acquire(&named_locks, &first, &cancel, &err));
    assert_int_equal(pthread_create(&thread, NULL, wait_once, &worker), 0);
    cancel_now(&other); /* before or while the thread waits */
    pthread_join(thread, NULL);
    assert_false(worker.got);
    assert_int_equal(worker.err.code, ERROR_CANCELED);
    named_lock_release(&first);
    cancel_deinit(&other);
    cancel_deinit(&cancel);
    named_locks_deinit(&named_locks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locks_of_one_name_exclude_each_other),
        cmocka_unit_test(other_names_do_not_wait),
        cmocka_unit_test(a_wait_ends_with_its_deadline),
        cmocka_unit_test(a_wait_can_be_canceled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
