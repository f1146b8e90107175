/* SPDX-License-Identifier: Apache-2.0 */
/* Records of runs: lookup, eviction and memory limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/history.h"
#include "support/failures.h"

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

/* Compares the ids of a probe's records, newest first, joined with spaces. */
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

static void copies_all_fields(void **state)
{
    CLEANUP(history_freep) struct history *history = make(10, PLENTY);
    CLEANUP(history_list_freep) struct history_list *list = NULL;
    const struct run_record *kept;
    char probe[] = "hub";
    const struct run_record original = {
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
        .digest = "sha256:1",
        .warning = "careful",
        .log = "+0.001s line\n",
        .phases = {{"resolve", 0.25}},
        .n_phases = 1,
        .fetched_bytes = 7,
    };

    (void)state;
    history_add(history, &original);
    probe[0] = 'x'; /* must not affect the copy */
    list = history_find(history, "hub", NULL, 0);
    assert_int_equal(list->count, 1);
    kept = list->records[0];
    assert_string_equal(kept->id, original.id);
    assert_string_equal(kept->probe, "hub");
    assert_string_equal(kept->operation, "pull");
    assert_string_equal(kept->engine, "client");
    assert_string_equal(kept->registry, "docker.io");
    assert_string_equal(kept->image, original.image);
    assert_string_equal(kept->host, "mirror.example");
    assert_string_equal(kept->message, "no");
    assert_string_equal(kept->digest, "sha256:1");
    assert_string_equal(kept->warning, "careful");
    assert_string_equal(kept->log, "+0.001s line\n");
    assert_string_equal(kept->phases[0].name, "resolve");
    assert_int_equal(kept->trigger, RUN_RETRY);
    assert_int_equal(kept->reason, ERROR_TLS);
    assert_int_equal(kept->fetched_bytes, 7);
}

static void finds_by_probe_and_id_newest_first(void **state)
{
    CLEANUP(history_freep) struct history *history = make(10, PLENTY);
    CLEANUP(history_list_freep) struct history_list *one = NULL;
    CLEANUP(history_list_freep) struct history_list *last = NULL;

    (void)state;
    add(history, "a", 1, ERROR_NONE);
    add(history, "b", 2, ERROR_NONE);
    add(history, "a", 3, ERROR_NONE);
    assert_ids(history, NULL, "3 2 1");
    assert_ids(history, "a", "3 1");
    assert_ids(history, "none", "");
    one = history_find(history, NULL, "2", 0);
    assert_int_equal(one->count, 1);
    assert_string_equal(one->records[0]->probe, "b");
    last = history_find(history, NULL, NULL, 2);
    assert_int_equal(last->count, 2);
    assert_string_equal(last->records[1]->id, "2");
}

static void evicts_successes_first(void **state)
{
    CLEANUP(history_freep) struct history *history = make(4, PLENTY);

    (void)state;
    add(history, "a", 1, ERROR_TLS);
    for (unsigned id = 2; id <= 9; id++)
        add(history, "a", id, ERROR_NONE);
    assert_ids(history, "a", "9 8 7 1");
}

static void never_evicts_the_newer_half(void **state)
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

static void keeps_at_least_one_record(void **state)
{
    CLEANUP(history_freep) struct history *history = make(0, PLENTY);

    (void)state;
    add(history, "a", 1, ERROR_TLS);
    add(history, "a", 2, ERROR_NONE);
    assert_ids(history, "a", "2");
}

static void drops_the_records_of_a_probe(void **state)
{
    CLEANUP(history_freep) struct history *history = make(4, PLENTY);
    CLEANUP(history_list_freep) struct history_list *list = NULL;

    (void)state;
    add(history, "a", 1, ERROR_NONE);
    add(history, "b", 2, ERROR_NONE);
    list = history_find(history, "a", NULL, 0);
    history_forget(history, "a");
    history_forget(history, "never there");
    assert_ids(history, NULL, "2");
    assert_string_equal(list->records[0]->id, "1"); /* the list holds a reference */
    history_forget(history, "b");
    assert_int_equal(history_stats(history).bytes, 0);
    assert_int_equal(history_stats(history).records, 0);
}

static void evicts_from_the_probe_with_the_most_records(void **state)
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

static void respects_the_memory_limit_with_many_probes(void **state)
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
        CLEANUP(history_list_freep) struct history_list *list = NULL;

        snprintf(name, sizeof(name), "probe-%u", probe);
        list = history_find(history, name, NULL, 0);
        assert_true(list->count >= 1);
    }
}

static void drops_a_record_larger_than_the_limit(void **state)
{
    CLEANUP(history_freep) struct history *history = make(4, 64);

    (void)state;
    add(history, "a", 1, ERROR_NONE);
    assert_int_equal(history_stats(history).records, 0);
    assert_int_equal(history_stats(history).bytes, 0);
}

static void stores_successes_without_log_above_half_of_the_memory(void **state)
{
    CLEANUP(history_freep) struct history *history = make(10, PLENTY);
    CLEANUP(history_freep) struct history *small = NULL;
    CLEANUP(history_list_freep) struct history_list *list = NULL;
    size_t used;

    (void)state;
    add(history, "a", 1, ERROR_NONE);
    used = history_stats(history).bytes;
    small = make(10, 2 * used);
    add(small, "a", 1, ERROR_NONE); /* now exactly half of the memory is used */
    add(small, "a", 2, ERROR_NONE);
    list = history_find(small, "a", NULL, 0);
    assert_int_equal(list->count, 2);
    assert_string_equal(list->records[0]->log, "+0.001s line\n");
    history_list_free(list);
    list = NULL;
    history_forget(small, "a");
    history_free(TAKE(small));
    small = make(10, 2 * used - 2);
    add(small, "b", 1, ERROR_TLS);
    add(small, "b", 2, ERROR_TLS);
    list = history_find(small, "b", NULL, 0);
    assert_string_equal(list->records[0]->log, "+0.001s line\n"); /* failures keep it */
    history_list_free(list);
    history_forget(small, "b");
    add(small, "a", 1, ERROR_NONE);
    add(small, "a", 2, ERROR_NONE);
    list = history_find(small, "a", NULL, 0);
    assert_string_equal(list->records[0]->id, "2");
    assert_string_equal(list->records[0]->log, "");
}

static void counts_records_and_bytes(void **state)
{
    CLEANUP(history_freep) struct history *history = make(2, PLENTY);
    struct history_stats one, two;

    (void)state;
    add(history, "a", 1, ERROR_NONE);
    one = history_stats(history);
    assert_int_equal(one.records, 1);
    assert_true(one.bytes > sizeof(struct run_record));
    add(history, "a", 2, ERROR_NONE);
    add(history, "a", 3, ERROR_NONE);
    two = history_stats(history);
    assert_int_equal(two.records, 2);
    assert_true(two.bytes > one.bytes && two.bytes < 2 * one.bytes);
    assert_int_equal(two.dropped, 0);
}

static void counts_records_dropped_without_memory(void **state)
{
    CLEANUP(history_freep) struct history *history = NULL;
    struct history_list *list = NULL;
    size_t dropped = 0;
    struct error err;

    (void)state;
    while (!history) {
        fail_allocations_after(dropped++);
        history = history_new(10, PLENTY, &err);
        fail_nothing();
        assert_true(history || err.code == ERROR_MEMORY);
    }
    for (dropped = 0; history_stats(history).records == 0; dropped++) {
        fail_allocations_after(dropped);
        add(history, "a", 1, ERROR_NONE);
        fail_nothing();
    }
    assert_int_equal(history_stats(history).dropped, dropped - 1);
    assert_ids(history, "a", "1");
    fail_allocations_after(0);
    list = history_find(history, "a", NULL, 0);
    fail_nothing();
    if (list)
        history_list_free(list);
}

static void names_triggers(void **state)
{
    (void)state;
    assert_string_equal(run_trigger_name(RUN_SCHEDULED), "scheduled");
    assert_string_equal(run_trigger_name(RUN_RETRY), "retry");
    assert_string_equal(run_trigger_name(RUN_DEMAND), "demand");
}

#define THREAD_RUNS 500

static void *add_many(void *history)
{
    for (unsigned id = 0; id < THREAD_RUNS; id++)
        add(history, id % 2 ? "a" : "b", id, ERROR_NONE);
    return NULL;
}

static void is_thread_safe(void **state)
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
        cmocka_unit_test(copies_all_fields),
        cmocka_unit_test(finds_by_probe_and_id_newest_first),
        cmocka_unit_test(evicts_successes_first),
        cmocka_unit_test(never_evicts_the_newer_half),
        cmocka_unit_test(keeps_at_least_one_record),
        cmocka_unit_test(drops_the_records_of_a_probe),
        cmocka_unit_test(evicts_from_the_probe_with_the_most_records),
        cmocka_unit_test(respects_the_memory_limit_with_many_probes),
        cmocka_unit_test(drops_a_record_larger_than_the_limit),
        cmocka_unit_test(stores_successes_without_log_above_half_of_the_memory),
        cmocka_unit_test(counts_records_and_bytes),
        cmocka_unit_test(counts_records_dropped_without_memory),
        cmocka_unit_test(names_triggers),
        cmocka_unit_test(is_thread_safe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
