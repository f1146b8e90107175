/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of the runs of probes, and what goes when there is no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLENTY ((size_t)1 << 20)

static struct history *make(size_t limit, size_t limit_bytes)
{
    struct error err;
    struct history *history = history_new(limit, limit_bytes, &err);

    assert_non_null(history);
    return history;
}

static void add(struct history *history, const char *probe, unsigned id, enum error_code reason)
{
    struct run_record record = {.probe = probe, .reason = reason, .log = "+0.001s line\n"};

    snprintf(record.id, sizeof(record.id), "%u", id);
    history_add(history, &record);
}

/* The ids of a probe, newest first, joined with spaces. */
static void assert_ids(struct history *history, const char *probe, const char *expected)
{
    CLEANUP(history_list_freep)
    struct history_list *list = history_find(history, probe, NULL, 0);
    char ids[1024] = "";

    assert_non_null(list);
    for (size_t i = 0; i < list->count; i++) {
        strcat(ids, i > 0 ? " " : "");
        strcat(ids, list->records[i]->id);
    }
    assert_string_equal(ids, expected);
}

static void keeps_all_that_was_told(void **state)
{
    CLEANUP(history_freep) struct history *history = make(10, PLENTY);
    char probe[] = "hub";
    const struct run_record told = {
        .id = "0123456789abcdef",
        .probe = probe,
        .operation = "pull",
        .engine = "client",
        .registry = "docker.io",
        .image = "docker.io/library/busybox:1",
        .host = "mirror.example",
        .trigger = RUN_RETRY,
        .start = 12,
        .seconds = 0.5,
        .reason = ERROR_TLS,
        .message = "no",
        .phases = {{"resolve", 0.25}},
        .n_phases = 1,
        .fetched_bytes = 7,
    };

    (void)state;
    history_add(history, &told);
    probe[0] = 'x'; /* it is a copy */
    CLEANUP(history_list_freep) struct history_list *list = history_find(history, "hub", NULL, 0);
    assert_int_equal(list->count, 1);
    const struct run_record *kept = list->records[0];
    assert_string_equal(kept->id, told.id);
    assert_string_equal(kept->probe, "hub");
    assert_string_equal(kept->operation, "pull");
    assert_string_equal(kept->engine, "client");
    assert_string_equal(kept->registry, "docker.io");
    assert_string_equal(kept->image, told.image);
    assert_string_equal(kept->host, "mirror.example");
    assert_string_equal(kept->message, "no");
    assert_string_equal(kept->warning, "");
    assert_string_equal(kept->log, "");
    assert_string_equal(kept->phases[0].name, "resolve");
    assert_int_equal(kept->trigger, RUN_RETRY);
    assert_int_equal(kept->reason, ERROR_TLS);
    assert_int_equal(kept->fetched_bytes, 7);
}

static void finds_by_probe_and_id_newest_first(void **state)
{
    CLEANUP(history_freep) struct history *history = make(10, PLENTY);

    (void)state;
    add(history, "a", 1, ERROR_NONE);
    add(history, "b", 2, ERROR_NONE);
    add(history, "a", 3, ERROR_NONE);
    assert_ids(history, NULL, "3 2 1");
    assert_ids(history, "a", "3 1");
    assert_ids(history, "none", "");
    CLEANUP(history_list_freep) struct history_list *one = history_find(history, NULL, "2", 0);
    assert_int_equal(one->count, 1);
    assert_string_equal(one->records[0]->probe, "b");
    CLEANUP(history_list_freep) struct history_list *last = history_find(history, NULL, NULL, 2);
    assert_int_equal(last->count, 2);
    assert_string_equal(last->records[1]->id, "2");
}

static void keeps_failures_longer(void **state)
{
    CLEANUP(history_freep) struct history *history = make(4, PLENTY);

    (void)state;
    add(history, "a", 1, ERROR_TLS);
    for (unsigned id = 2; id <= 9; id++)
        add(history, "a", id, ERROR_NONE);
    assert_ids(history, "a", "9 8 7 1");
}

/* A success after an outage is seen, however many failures there are. */
static void keeps_the_newest_whatever_they_are(void **state)
{
    CLEANUP(history_freep) struct history *history = make(4, PLENTY);

    (void)state;
    for (unsigned id = 1; id <= 9; id++)
        add(history, "a", id, ERROR_TLS);
    assert_ids(history, "a", "9 8 7 6");
    add(history, "a", 10, ERROR_NONE);
    add(history, "a", 11, ERROR_NONE);
    assert_ids(history, "a", "11 10 9 8");
    add(history, "a", 12, ERROR_NONE);
    add(history, "a", 13, ERROR_NONE);
    assert_ids(history, "a", "13 12 9 8");
}

static void keeps_one_at_least(void **state)
{
    CLEANUP(history_freep) struct history *history = make(0, PLENTY);

    (void)state;
    add(history, "a", 1, ERROR_TLS);
    add(history, "a", 2, ERROR_NONE);
    assert_ids(history, "a", "2");
}

static void forgets_a_probe(void **state)
{
    CLEANUP(history_freep) struct history *history = make(4, PLENTY);
    CLEANUP(history_list_freep) struct history_list *held = NULL;

    (void)state;
    add(history, "a", 1, ERROR_NONE);
    add(history, "b", 2, ERROR_NONE);
    held = history_find(history, "a", NULL, 0);
    history_forget(history, "a");
    history_forget(history, "never there");
    assert_ids(history, NULL, "2");
    assert_string_equal(held->records[0]->id, "1"); /* who has it, has it */
    history_forget(history, "b");
    assert_int_equal(history_stats(history).bytes, 0);
    assert_int_equal(history_stats(history).records, 0);
}

static void takes_from_who_has_the_most(void **state)
{
    CLEANUP(history_freep) struct history *history = make(1000, 16384);

    (void)state;
    add(history, "seldom", 1, ERROR_NONE);
    for (unsigned id = 2; id < 500; id++)
        add(history, "often", id, ERROR_NONE);
    assert_ids(history, "seldom", "1");
    assert_true(history_stats(history).bytes <= 16384);
    assert_true(history_stats(history).records > 5);
}

static void stays_within_its_memory_with_many_probes(void **state)
{
    const size_t limit_bytes = (size_t)2 << 20;
    CLEANUP(history_freep) struct history *history = make(100, limit_bytes);
    char log[PROGRESS_LOG_BYTES], name[32];

    (void)state;
    memset(log, 'x', sizeof(log));
    log[sizeof(log) - 1] = '\0';
    for (unsigned run = 0; run < 20; run++)
        for (unsigned probe = 0; probe < 1000; probe++) {
            snprintf(name, sizeof(name), "probe-%u", probe);
            history_add(history,
                        &(struct run_record){.probe = name,
                                             .log = log,
                                             .reason = probe % 100 == 0 ? ERROR_TLS : ERROR_NONE});
            assert_true(history_stats(history).bytes <= limit_bytes);
        }
    assert_int_equal(history_stats(history).dropped, 0);
    for (unsigned probe = 0; probe < 1000; probe++) {
        snprintf(name, sizeof(name), "probe-%u", probe);
        CLEANUP(history_list_freep)
        struct history_list *list = history_find(history, name, NULL, 0);
        assert_true(list->count >= 1);
    }
}

static void a_record_larger_than_all_memory_is_not_kept(void **state)
{
    CLEANUP(history_freep) struct history *history = make(4, 64);

    (void)state;
    add(history, "a", 1, ERROR_NONE);
    assert_int_equal(history_stats(history).records, 0);
    assert_int_equal(history_stats(history).bytes, 0);
}

#define THREAD_RUNS 500

static void *add_many(void *history)
{
    for (unsigned id = 0; id < THREAD_RUNS; id++)
        add(history, id % 2 ? "a" : "b", id, ERROR_NONE);
    return NULL;
}

static void is_read_while_it_is_written(void **state)
{
    CLEANUP(history_freep) struct history *history = make(20, 8192);
    pthread_t threads[2];

    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, history), 0);
    for (unsigned i = 0; i < THREAD_RUNS; i++) {
        CLEANUP(history_list_freep)
        struct history_list *list = history_find(history, NULL, NULL, 0);

        for (size_t n = 0; n < list->count; n++)
            assert_string_equal(list->records[n]->log[0] ? list->records[n]->log : "+0.001s line\n",
                                "+0.001s line\n");
        if (i % 50 == 0)
            history_forget(history, "a");
    }
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_all_that_was_told),
        cmocka_unit_test(finds_by_probe_and_id_newest_first),
        cmocka_unit_test(keeps_failures_longer),
        cmocka_unit_test(keeps_the_newest_whatever_they_are),
        cmocka_unit_test(keeps_one_at_least),
        cmocka_unit_test(forgets_a_probe),
        cmocka_unit_test(takes_from_who_has_the_most),
        cmocka_unit_test(stays_within_its_memory_with_many_probes),
        cmocka_unit_test(a_record_larger_than_all_memory_is_not_kept),
        cmocka_unit_test(is_read_while_it_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
