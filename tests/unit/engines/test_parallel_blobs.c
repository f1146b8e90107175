/* SPDX-License-Identifier: Apache-2.0 */
/* Several threads and one list of blobs: each once, in order, and all stopped by one failure. */
#include "engines/image/parallel_blobs.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define BLOBS 6

static const struct descriptor blobs[BLOBS] = {{.digest = "a"}, {.digest = "b"}, {.digest = "a"},
                                               {.digest = "c"}, {.digest = "b"}, {.digest = "d"}};

struct trial {
    struct registry *registry;
    struct host host;
    struct host_list hosts;
    struct cancel cancel;
    const struct descriptor *list[BLOBS];
    struct parallel_blobs_plan plan;
    struct error err;
    pthread_mutex_t lock; /* of what follows */
    char order[BLOBS + 1];
    unsigned running, most, released;
    const char *fails, *hangs;
    bool stopped;
};

static bool fetch(void *arg, struct registry *registry, const struct descriptor *blob,
                  struct cancel *cancel, struct error *err)
{
    struct trial *t = arg;
    bool ok = true;

    assert_non_null(registry);
    pthread_mutex_lock(&t->lock);
    strcat(t->order, blob->digest);
    if (++t->running > t->most)
        t->most = t->running;
    pthread_mutex_unlock(&t->lock);
    while (t->hangs && strcmp(t->hangs, blob->digest) == 0 && ok) {
        ok = cancel_check(cancel, err);
        usleep(1000);
    }
    usleep(2000);
    pthread_mutex_lock(&t->lock);
    t->stopped = t->stopped || !ok;
    t->running--;
    pthread_mutex_unlock(&t->lock);
    if (t->fails && strcmp(t->fails, blob->digest) == 0)
        return error_set(err, ERROR_NOT_FOUND, "no %s", blob->digest);
    return ok;
}

static void begin(struct trial *t, unsigned at_once, int64_t seconds)
{
    const struct reference reference = {.host = "r", .endpoint = "r", .repository = "a"};

    *t = (struct trial){.lock = PTHREAD_MUTEX_INITIALIZER};
    t->host = (struct host){.scheme = "http", .authority = "r", .path = "/v2", .name_space = ""};
    t->hosts = (struct host_list){&t->host, 1, ""};
    t->registry = registry_new(&reference, &(struct registry_options){.hosts = &t->hosts}, &t->err);
    assert_non_null(t->registry);
    cancel_init(&t->cancel, clock_now_ns() + seconds * NS_PER_SECOND);
    for (size_t i = 0; i < BLOBS; i++)
        t->list[i] = &blobs[i];
    t->plan = (struct parallel_blobs_plan){t->registry, t->list, BLOBS, at_once, fetch, t};
}

static void end(struct trial *t)
{
    registry_free(t->registry);
    cancel_deinit(&t->cancel);
}

static void fetches_each_once(void **state)
{
    int64_t start_ns = clock_now_ns(), ended_ns;
    struct trial t;

    (void)state;
    for (unsigned at_once = 0; at_once <= 20; at_once += 5) {
        struct parallel_blobs *layers;

        begin(&t, at_once, 60);
        layers = parallel_blobs_start(&t.plan, &t.cancel, &t.err);
        assert_non_null(layers);
        for (size_t i = BLOBS; i-- > 0;)
            assert_true(parallel_blobs_wait(layers, i, &t.err));
        assert_true(parallel_blobs_join(layers, &ended_ns, &t.err));
        assert_true(ended_ns > start_ns && ended_ns <= clock_now_ns());
        assert_int_equal(strlen(t.order), 4);
        assert_true(strchr(t.order, 'a') && strchr(t.order, 'b') && strchr(t.order, 'c') &&
                    strchr(t.order, 'd'));
        assert_true(t.most <= (at_once ? at_once : 1));
        if (at_once == 0)
            assert_string_equal(t.order, "abcd");
        parallel_blobs_free(layers);
        end(&t);
    }
}

static void tells_the_first_failure_and_stops_the_rest(void **state)
{
    struct parallel_blobs *layers;
    struct trial t;
    int64_t ended_ns;

    (void)state;
    begin(&t, 3, 60);
    t.fails = "b";
    t.hangs = "a";
    layers = parallel_blobs_start(&t.plan, &t.cancel, &t.err);
    assert_false(parallel_blobs_wait(layers, 0, &t.err));
    assert_int_equal(t.err.code, ERROR_NOT_FOUND);
    assert_string_equal(t.err.message, "layer 1: no b");
    assert_false(parallel_blobs_join(layers, &ended_ns, &t.err));
    assert_int_equal(t.err.code, ERROR_NOT_FOUND);
    assert_true(t.stopped);
    parallel_blobs_free(layers);
    end(&t);
}

static void ends_with_whoever_started_it(void **state)
{
    struct parallel_blobs *layers;
    struct trial t;
    int64_t ended_ns;

    (void)state;
    begin(&t, 2, 60);
    t.hangs = "c";
    layers = parallel_blobs_start(&t.plan, &t.cancel, &t.err);
    assert_true(parallel_blobs_wait(layers, 1, &t.err));
    cancel_now(&t.cancel);
    assert_false(parallel_blobs_join(layers, &ended_ns, &t.err));
    assert_int_equal(t.err.code, ERROR_CANCELED);
    parallel_blobs_free(layers);
    assert_null(parallel_blobs_start(&t.plan, &t.cancel, &t.err));
    assert_int_equal(t.err.code, ERROR_CANCELED);
    end(&t);

    begin(&t, 2, 60); /* left early: nothing runs any more */
    t.hangs = "a";
    parallel_blobs_free(parallel_blobs_start(&t.plan, &t.cancel, &t.err));
    assert_int_equal(t.running, 0);
    end(&t);
}

static void has_nothing_to_do(void **state)
{
    struct parallel_blobs *layers;
    struct trial t;
    int64_t ended_ns;

    (void)state;
    begin(&t, 3, 60);
    t.plan.count = 0;
    layers = parallel_blobs_start(&t.plan, &t.cancel, &t.err);
    assert_true(parallel_blobs_join(layers, &ended_ns, &t.err));
    parallel_blobs_free(layers);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fetches_each_once),
        cmocka_unit_test(tells_the_first_failure_and_stops_the_rest),
        cmocka_unit_test(ends_with_whoever_started_it),
        cmocka_unit_test(has_nothing_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
