/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets with a fake clock, and the state of registries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "registry/registry_limits.h"

#include <stdio.h>

#define MINUTE  (60 * NS_PER_SECOND)
#define START   (200 * MINUTE) /* within six hours of the start of any machine */
#define MOST    256
#define THREADS 8
#define ROUNDS  2000

struct list {
    struct registry_usage entries[MOST];
    char names[MOST][32];
    size_t count;
};

static void keep(void *arg, const struct registry_usage *entry)
{
    struct list *list = arg;

    assert_in_range(list->count, 0, MOST - 1);
    list->entries[list->count] = *entry;
    snprintf(list->names[list->count++], sizeof(list->names[0]), "%s", entry->registry);
}

static struct registry_limits *make(void)
{
    struct error err;
    struct registry_limits *registry_limits = registry_limits_new(&err);

    assert_non_null(registry_limits);
    return registry_limits;
}

static struct registry_account *open_account(struct registry_limits *registry_limits,
                                             uint64_t pulls, uint64_t bytes)
{
    struct registry_account *account = registry_account(registry_limits, "r.example");

    assert_non_null(account);
    registry_account_set_budget(account, &(struct registry_budget){pulls, bytes});
    return account;
}

static void take(struct registry_account *account, int64_t now_ns, uint64_t bytes)
{
    struct error err;

    if (!registry_account_take(account, now_ns, bytes, &err))
        fail_msg("%s", err.message);
}

static void refuse(struct registry_account *account, int64_t now_ns, uint64_t bytes,
                   const char *want)
{
    struct error err;

    assert_false(registry_account_take(account, now_ns, bytes, &err));
    assert_int_equal(err.code, ERROR_LIMIT);
    assert_string_equal(err.message, want);
}

static struct registry_usage only_entry(struct registry_limits *registry_limits, int64_t now_ns)
{
    static struct list list;

    list.count = 0;
    registry_limits_list(registry_limits, now_ns, keep, &list);
    assert_int_equal(list.count, 1);
    return list.entries[0];
}

static void pulls_count_for_an_hour(void **state)
{
    CLEANUP(registry_limits_freep) struct registry_limits *registry_limits = make();
    struct registry_account *account = open_account(registry_limits, 2, 0);

    (void)state;
    take(account, START, 0);
    take(account, START + 10 * MINUTE, 0);
    refuse(account, START + 10 * MINUTE, 0,
           "budget of r.example exceeded: 2 of 2 per hour; available in 51 minutes");
    refuse(account, START + 60 * MINUTE + 59 * NS_PER_SECOND, 0,
           "budget of r.example exceeded: 2 of 2 per hour; available in 1 minute");
    take(account, START + 61 * MINUTE, 0);
    refuse(account, START + 61 * MINUTE, 0,
           "budget of r.example exceeded: 2 of 2 per hour; available in 10 minutes");
    take(account, START + 71 * MINUTE, 0);
    take(account, START + 1000 * MINUTE, 0); /* after a long silence */
    take(account, START + 1000 * MINUTE, 0);
    refuse(account, START + 1000 * MINUTE, 0,
           "budget of r.example exceeded: 2 of 2 per hour; available in 60 minutes");
}

/* However the pulls fall, no hour has more of them than it may. */
static void no_hour_has_more_than_its_budget(void **state)
{
    CLEANUP(registry_limits_freep) struct registry_limits *registry_limits = make();
    struct registry_account *account = open_account(registry_limits, 7, 0);
    static int64_t taken[4000];
    uint64_t random = 1;
    size_t n = 0;
    struct error err;

    (void)state;
    for (int64_t at = START; at < START + 100 * 60 * MINUTE; at += 97 * NS_PER_SECOND) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        if (random >> 62 != 0 && registry_account_take(account, at, 0, &err))
            taken[n++] = at;
    }
    assert_in_range(n, 7 * 90, 7 * 101);
    for (size_t i = 7; i < n; i++)
        assert_true(taken[i] - taken[i - 7] >= 60 * MINUTE);
}

static void bytes_count_when_transferred(void **state)
{
    CLEANUP(registry_limits_freep) struct registry_limits *registry_limits = make();
    struct registry_account *account = open_account(registry_limits, 0, 10 << 20);
    const int64_t later_ns = START + 30 * MINUTE;

    (void)state;
    take(account, START, 0);
    registry_account_charge(account, START, 0, 6 << 20);
    take(account, later_ns, 4 << 20);
    refuse(account, later_ns, 1,
           "budget of r.example exceeded: 10.0 MiB of 10.0 MiB per hour, and the image has "
           "1.0 B; available in 31 minutes");
    registry_account_charge(account, later_ns, 4 << 20, 1 << 20); /* less than was expected */
    take(account, later_ns, 3 << 20);
    registry_account_charge(account, later_ns, 3 << 20, 20 << 20); /* more */
    refuse(account, later_ns, 0,
           "budget of r.example exceeded: 27.0 MiB of 10.0 MiB per hour, and the image has "
           "0.0 B; available in 60 minutes");
    refuse(account, later_ns, 11 << 20,
           "image too large: it has 11.0 MiB, the budget of r.example is 10.0 MiB per hour");
    take(account, later_ns + 61 * MINUTE, 10 << 20);
    refuse(account, later_ns + 61 * MINUTE, 1,
           "budget of r.example exceeded: 10.0 MiB of 10.0 MiB per hour, and the image has "
           "1.0 B; available when running probes end");
}

static void a_rejected_run_uses_no_budget(void **state)
{
    CLEANUP(registry_limits_freep) struct registry_limits *registry_limits = make();
    struct registry_account *account = open_account(registry_limits, 5, 100);
    struct error err;

    (void)state;
    for (int i = 0; i < 50; i++)
        assert_false(registry_account_take(account, START, 101, &err));
    assert_true(only_entry(registry_limits, START).pulls_left == 5);
    assert_true(only_entry(registry_limits, START).bytes_left == 100);
}

static void huge_numbers_do_not_wrap(void **state)
{
    CLEANUP(registry_limits_freep) struct registry_limits *registry_limits = make();
    struct registry_account *account = open_account(registry_limits, 0, UINT64_MAX - 1);
    struct error err;

    (void)state;
    take(account, START, 10);
    registry_account_charge(account, START, 10, UINT64_MAX);
    registry_account_charge(account, START, 10,
                            UINT64_MAX); /* once too often: never below nothing */
    registry_account_charge(account, START + MINUTE, 0, UINT64_MAX);
    assert_false(registry_account_take(account, START + MINUTE, 1, &err));
    assert_false(registry_account_take(account, START + MINUTE, UINT64_MAX, &err));
    assert_true(only_entry(registry_limits, START + MINUTE).bytes_left == 0);
    registry_account_set_budget(account, &(struct registry_budget){0, 0});
    take(account, START + MINUTE, UINT64_MAX);
    take(account, START + MINUTE, UINT64_MAX);
    registry_account_set_budget(account, &(struct registry_budget){0, 5});
    registry_account_charge(account, START + MINUTE, UINT64_MAX, 0);
    take(account, START + 200 * MINUTE, 5);
}

/* Of two threads one may have read the clock first and come second. */
static void accepts_a_clock_slightly_behind(void **state)
{
    CLEANUP(registry_limits_freep) struct registry_limits *registry_limits = make();
    struct registry_account *account = open_account(registry_limits, 3, 0);
    struct error err;

    (void)state;
    take(account, START + 5 * MINUTE, 0);
    take(account, START + 4 * MINUTE, 0);
    take(account, START - 100 * MINUTE, 0);
    assert_false(registry_account_take(account, START, 0, &err));
    assert_false(registry_account_take(account, START + 65 * MINUTE, 0, &err));
    take(account, START + 66 * MINUTE, 0);
}

static void lists_the_state_of_a_registry(void **state)
{
    CLEANUP(registry_limits_freep) struct registry_limits *registry_limits = make();
    struct registry_account *account = registry_account(registry_limits, "r.example");
    struct registry_usage entry = only_entry(registry_limits, START);

    (void)state;
    assert_true(entry.rate_limit < 0 && entry.rate_limit_remaining < 0);
    assert_true(entry.certificate_expiry < 0 && entry.pulls_per_hour < 0 && entry.pulls_left < 0);
    assert_true(entry.bytes_per_hour < 0 && entry.bytes_left < 0 && entry.back_off_seconds == 0);
    registry_account_set_budget(account, &(struct registry_budget){60, 1000});
    take(account, START, 100);
    registry_account_charge(account, START, 100, 300);
    registry_account_record_rate_limit(account, 100, 76);
    registry_account_record_certificate(account, 1800000000);
    assert_int_equal(registry_account_back_off_until(account), 0);
    registry_account_back_off(account, START + 90 * NS_PER_SECOND);
    registry_account_back_off(account, START + NS_PER_SECOND); /* the longer one counts */
    assert_int_equal(registry_account_back_off_until(account), START + 90 * NS_PER_SECOND);
    entry = only_entry(registry_limits, START);
    assert_true(entry.rate_limit == 100 && entry.rate_limit_remaining == 76);
    assert_true(entry.certificate_expiry == 1800000000);
    assert_true(entry.pulls_per_hour == 60 && entry.pulls_left == 59);
    assert_true(entry.bytes_per_hour == 1000 && entry.bytes_left == 700);
    assert_true(entry.back_off_seconds == 90);
    assert_true(only_entry(registry_limits, START + 100 * NS_PER_SECOND).back_off_seconds == 0);
    assert_true(only_entry(registry_limits, START + 100 * MINUTE).pulls_left == 60);
}

/* A registry that wants to be left alone for a year is asked again all the same. */
static void a_back_off_ends_after_six_hours(void **state)
{
    CLEANUP(registry_limits_freep) struct registry_limits *registry_limits = make();
    struct registry_account *account = registry_account(registry_limits, "r.example");

    (void)state;
    registry_account_back_off(account, INT64_MAX);
    assert_true(registry_account_back_off_until(account) <= clock_now_ns() + 6 * 60 * MINUTE);
    assert_true(registry_account_back_off_until(account) > clock_now_ns() + 5 * 60 * MINUTE);
}

static void lists_registries_in_use_by_name(void **state)
{
    static const char *const names[] = {"b", "docker.io", "a:5000", "c", "a"};
    CLEANUP(registry_limits_freep) struct registry_limits *registry_limits = make();
    struct registry_account *accounts[5];
    struct list list = {.count = 0};

    (void)state;
    for (size_t i = 0; i < 5; i++)
        accounts[i] = registry_account(registry_limits, names[i]);
    assert_ptr_equal(registry_account(registry_limits, "c"), accounts[3]); /* a second user */
    registry_account_unref(accounts[3]);
    registry_account_unref(accounts[0]);
    registry_limits_list(registry_limits, START, keep, &list);
    assert_int_equal(list.count, 4);
    assert_string_equal(list.names[0], "a");
    assert_string_equal(list.names[1], "a:5000");
    assert_string_equal(list.names[2], "c");
    assert_string_equal(list.names[3], "docker.io");
}

/* A reload that takes a probe away and one that brings it back is no way to a new budget. */
static void keeps_the_numbers_of_unused_accounts(void **state)
{
    CLEANUP(registry_limits_freep) struct registry_limits *registry_limits = make();
    struct registry_account *account = open_account(registry_limits, 1, 0);
    struct error err;

    (void)state;
    take(account, START, 0);
    registry_account_unref(account);
    account = open_account(registry_limits, 1, 0);
    assert_false(registry_account_take(account, START, 0, &err));
}

static void limits_the_number_of_registries_in_use(void **state)
{
    CLEANUP(registry_limits_freep) struct registry_limits *registry_limits = make();
    struct registry_account *accounts[MOST], *other;
    char name[400];

    (void)state;
    for (size_t i = 0; i < MOST; i++) {
        snprintf(name, sizeof(name), "registry-%zu", i);
        accounts[i] = registry_account(registry_limits, name);
        assert_non_null(accounts[i]);
    }
    assert_null(registry_account(registry_limits, "one-more"));
    assert_ptr_equal(registry_account(registry_limits, "registry-7"), accounts[7]);
    registry_account_record_rate_limit(accounts[200], 1, 1);
    registry_account_unref(accounts[200]);
    other = registry_account(registry_limits, "one-more"); /* instead of the one that is not used */
    assert_ptr_equal(other, accounts[200]);
    assert_null(registry_account(registry_limits, "registry-200"));
    registry_account_unref(other);
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_null(registry_account(registry_limits, name));
}

struct crowd {
    struct registry_limits *registry_limits;
    unsigned taken[THREADS];
};

struct member {
    struct crowd *crowd;
    size_t number;
    pthread_t thread;
};

static void ignore(void *arg, const struct registry_usage *entry)
{
    *(size_t *)arg += strlen(entry->registry);
}

static void *pull_much(void *arg)
{
    struct member *self = arg;
    struct registry_account *account = registry_account(self->crowd->registry_limits, "r.example");
    struct error err;
    char own[16];
    size_t sum = 0;

    snprintf(own, sizeof(own), "own-%zu", self->number);
    for (int i = 0; i < ROUNDS; i++) {
        struct registry_account *mine = registry_account(self->crowd->registry_limits, own);

        if (registry_account_take(account, START, 10, &err)) {
            self->crowd->taken[self->number]++;
            registry_account_charge(account, START, 10, 5);
        }
        registry_account_back_off(account, START + i);
        registry_account_record_rate_limit(mine, i, i);
        registry_account_unref(mine);
        if (i % 100 == 0)
            registry_limits_list(self->crowd->registry_limits, START, ignore, &sum);
    }
    return NULL;
}

static void many_threads_share_one_budget(void **state)
{
    CLEANUP(registry_limits_freep) struct registry_limits *registry_limits = make();
    struct registry_account *account = open_account(registry_limits, THREADS * ROUNDS / 2, 0);
    struct crowd crowd = {.registry_limits = registry_limits};
    struct member members[THREADS];
    unsigned taken = 0;

    (void)state;
    for (size_t i = 0; i < THREADS; i++) {
        members[i] = (struct member){.crowd = &crowd, .number = i};
        assert_int_equal(pthread_create(&members[i].thread, NULL, pull_much, &members[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(members[i].thread, NULL);
        taken += crowd.taken[i];
    }
    assert_int_equal(taken, THREADS * ROUNDS / 2);
    registry_account_set_budget(account, &(struct registry_budget){0, 10 * taken});
    assert_true(only_entry(registry_limits, START).bytes_left == 5 * taken);
    assert_int_equal(registry_account_back_off_until(account), START + ROUNDS - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pulls_count_for_an_hour),
        cmocka_unit_test(no_hour_has_more_than_its_budget),
        cmocka_unit_test(bytes_count_when_transferred),
        cmocka_unit_test(a_rejected_run_uses_no_budget),
        cmocka_unit_test(huge_numbers_do_not_wrap),
        cmocka_unit_test(accepts_a_clock_slightly_behind),
        cmocka_unit_test(lists_the_state_of_a_registry),
        cmocka_unit_test(a_back_off_ends_after_six_hours),
        cmocka_unit_test(lists_registries_in_use_by_name),
        cmocka_unit_test(keeps_the_numbers_of_unused_accounts),
        cmocka_unit_test(limits_the_number_of_registries_in_use),
        cmocka_unit_test(many_threads_share_one_budget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
