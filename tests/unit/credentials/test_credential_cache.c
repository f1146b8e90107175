/* SPDX-License-Identifier: Apache-2.0 */
/* Answers are kept as long as they may be, and never too many. */
#include "credentials/credential_cache.h"

#include "base/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LONG_NS (1000 * NS_PER_SECOND)

static bool holds(struct credential_cache *cache, const char *key, const char *want)
{
    CLEANUP(buf_deinit) struct buf answer = BUF_INIT((size_t)4 << 20);

    return credential_cache_get(cache, key, &answer) && strcmp(answer.data, want) == 0;
}

static void keeps_a_response_until_it_expires(void **state)
{
    struct error err;
    struct credential_cache *cache = credential_cache_new(&err);
    int64_t now_ns = clock_now_ns();

    (void)state;
    assert_non_null(cache);
    assert_false(holds(cache, "a", "1"));
    credential_cache_put(cache, "a", "1", now_ns + LONG_NS);
    credential_cache_put(cache, "b", "2", now_ns + LONG_NS);
    assert_true(holds(cache, "a", "1"));
    credential_cache_put(cache, "a", "3", now_ns + LONG_NS);
    assert_true(holds(cache, "a", "3"));
    assert_true(holds(cache, "b", "2"));
    credential_cache_put(cache, "a", "4", now_ns);
    assert_false(holds(cache, "a", "4"));
    assert_true(holds(cache, "b", "2"));
    credential_cache_free(cache);
    credential_cache_free(NULL);
}

static void evicts_the_entry_that_expires_first(void **state)
{
    struct error err;
    struct credential_cache *cache = credential_cache_new(&err);
    int64_t now_ns = clock_now_ns();
    int kept = 0;

    (void)state;
    assert_non_null(cache);
    for (int i = 0; i < 1000; i++) {
        char key[20];

        snprintf(key, sizeof(key), "%d", i);
        credential_cache_put(cache, key, "x", now_ns + LONG_NS + i);
    }
    for (int i = 0; i < 1000; i++) {
        char key[20];

        snprintf(key, sizeof(key), "%d", i);
        kept += holds(cache, key, "x");
    }
    assert_int_equal(kept, 256);
    assert_false(holds(cache, "743", "x"));
    assert_true(holds(cache, "744", "x"));
    credential_cache_free(cache);
}

static void limits_the_size_of_all_responses(void **state)
{
    struct error err;
    struct credential_cache *cache = credential_cache_new(&err);
    char *large = malloc(((size_t)3 << 20) + 1);
    int64_t later_ns = clock_now_ns() + LONG_NS;

    (void)state;
    assert_non_null(cache);
    assert_non_null(large);
    memset(large, 'x', (size_t)3 << 20);
    large[(size_t)3 << 20] = '\0';
    credential_cache_put(cache, "small", "1", later_ns);
    credential_cache_put(cache, "too large", large, later_ns);
    assert_false(holds(cache, "too large", large));
    assert_true(holds(cache, "small", "1"));
    large[(size_t)2 << 20] = '\0';
    credential_cache_put(cache, "as large as may be", large, later_ns + 1);
    assert_true(holds(cache, "as large as may be", large));
    assert_false(holds(cache, "small", "1"));
    free(large);
    credential_cache_free(cache);
}

static void *use(void *arg)
{
    struct credential_cache *cache = arg;

    for (int i = 0; i < 300; i++) {
        CLEANUP(buf_deinit) struct buf answer = BUF_INIT(100);
        char key[20];

        snprintf(key, sizeof(key), "%d", i % 20);
        credential_cache_put(cache, key, key, clock_now_ns() + (i % 3) * NS_PER_MS);
        if (credential_cache_get(cache, key, &answer) && strcmp(answer.data, key) != 0)
            return cache;
    }
    return NULL;
}

static void serves_many_threads(void **state)
{
    struct error err;
    struct credential_cache *cache = credential_cache_new(&err);
    pthread_t threads[4];
    void *result;

    (void)state;
    assert_non_null(cache);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, cache), 0);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], &result);
        assert_null(result);
    }
    credential_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_a_response_until_it_expires),
        cmocka_unit_test(evicts_the_entry_that_expires_first),
        cmocka_unit_test(limits_the_size_of_all_responses),
        cmocka_unit_test(serves_many_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
