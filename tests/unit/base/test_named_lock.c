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
    struct turns *turns;
    const char *name;
    int *counter; /* not atomic: the turns protect it */
    struct cancel *cancel;
    bool got;
    struct error err;
};

static void *work(void *arg)
{
    struct worker *worker = arg;

    for (int i = 0; i < ROUNDS; i++) {
        struct turn turn = {.name = worker->name};

        if (!turn_begin(worker->turns, &turn, worker->cancel, &worker->err))
            return NULL;
        ++*worker->counter;
        turn_end(&turn);
    }
    worker->got = true;
    return NULL;
}

static void *wait_once(void *arg)
{
    struct worker *worker = arg;
    struct turn turn = {.name = worker->name};

    worker->got = turn_begin(worker->turns, &turn, worker->cancel, &worker->err);
    turn_end(&turn);
    return NULL;
}

static void those_of_one_name_never_meet(void **state)
{
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    int counters[2] = {0, 0};
    struct turns turns;
    struct cancel cancel;

    (void)state;
    turns_init(&turns);
    cancel_init(&cancel, INT64_MAX);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.turns = &turns,
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
    turns_deinit(&turns);
}

static void other_names_do_not_wait(void **state)
{
    struct turn a = {.name = "a"}, b = {.name = "b"};
    struct error err = {0};
    struct turns turns;
    struct cancel cancel;

    (void)state;
    turns_init(&turns);
    cancel_init(&cancel, INT64_MAX);
    assert_true(turn_begin(&turns, &a, &cancel, &err));
    assert_true(turn_begin(&turns, &b, &cancel, &err));
    turn_end(&a);
    turn_end(&a);
    turn_end(&b);
    assert_null(turns.first_);
    cancel_deinit(&cancel);
    turns_deinit(&turns);
}

static void a_wait_ends_with_its_deadline(void **state)
{
    struct turn first = {.name = "a"}, second = {.name = "a"};
    struct error err = {0};
    struct turns turns;
    struct cancel cancel, late;

    (void)state;
    turns_init(&turns);
    cancel_init(&cancel, INT64_MAX);
    cancel_init(&late, clock_now_ns() + 20 * NS_PER_MS);
    assert_true(turn_begin(&turns, &first, &cancel, &err));
    assert_false(turn_begin(&turns, &second, &late, &err));
    assert_int_equal(err.code, ERROR_TIMEOUT);
    assert_false(turn_begin(&turns, &second, &late, &err)); /* it is over before it begins */
    assert_int_equal(err.code, ERROR_TIMEOUT);
    turn_end(&first);
    assert_null(turns.first_);
    cancel_deinit(&late);
    cancel_deinit(&cancel);
    turns_deinit(&turns);
}

static void a_wait_can_be_canceled(void **state)
{
    struct turn first = {.name = "a"};
    struct error err = {0};
    struct turns turns;
    struct cancel cancel, other;
    struct worker worker = {.turns = &turns, .name = "a", .cancel = &other};
    pthread_t thread;

    (void)state;
    turns_init(&turns);
    cancel_init(&cancel, INT64_MAX);
    cancel_init(&other, INT64_MAX);
    assert_true(turn_begin(&turns, &first, &cancel, &err));
    assert_int_equal(pthread_create(&thread, NULL, wait_once, &worker), 0);
    cancel_now(&other); /* before, while or after it begins to wait */
    pthread_join(thread, NULL);
    assert_false(worker.got);
    assert_int_equal(worker.err.code, ERROR_CANCELED);
    turn_end(&first);
    cancel_deinit(&other);
    cancel_deinit(&cancel);
    turns_deinit(&turns);
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
