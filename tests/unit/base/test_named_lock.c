/* SPDX-License-Identifier: Apache-2.0 */
/* One after the other for one name, all at once for different ones. */
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
    int *counter; /* not atomic: the named_locks protect it */
    struct cancel *cancel;
    bool got;
    struct error err;
};

static void *work(void *arg)
{
    struct worker *worker = arg;

    for (int i = 0; i < ROUNDS; i++) {
        struct turn turn = {.name = worker->name};

        if (!named_lock_acquire(worker->named_locks, &turn, worker->cancel, &worker->err))
            return NULL;
        ++*worker->counter;
        named_lock_release(&turn);
    }
    worker->got = true;
    return NULL;
}

static void *wait_once(void *arg)
{
    struct worker *worker = arg;
    struct turn turn = {.name = worker->name};

    worker->got = named_lock_acquire(worker->named_locks, &turn, worker->cancel, &worker->err);
    named_lock_release(&turn);
    return NULL;
}

static void those_of_one_name_never_meet(void **state)
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
    struct turn a = {.name = "a"}, b = {.name = "b"};
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
    struct turn first = {.name = "a"}, second = {.name = "a"};
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
    assert_false(
        named_lock_acquire(&named_locks, &second, &late, &err)); /* it is over before it begins */
    assert_int_equal(err.code, ERROR_TIMEOUT);
    named_lock_release(&first);
    assert_null(named_locks.first_);
    cancel_deinit(&late);
    cancel_deinit(&cancel);
    named_locks_deinit(&named_locks);
}

static void a_wait_can_be_canceled(void **state)
{
    struct turn first = {.name = "a"};
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
    cancel_now(&other); /* before, while or after it begins to wait */
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
        cmocka_unit_test(those_of_one_name_never_meet),
        cmocka_unit_test(other_names_do_not_wait),
        cmocka_unit_test(a_wait_ends_with_its_deadline),
        cmocka_unit_test(a_wait_can_be_canceled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
