/* SPDX-License-Identifier: Apache-2.0 */
/* The kubelet's credential providers: what they are asked, what of their answer counts, and for how
 * long. */
#include "credentials/credential_plugin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "os/file.h"
#include "support/credentials_fixture.h"

#define V1   "credentialprovider.kubelet.k8s.io/v1"
#define HEAD "{\"kind\":\"CredentialProviderResponse\",\"apiVersion\":\"" V1 "\","

struct answered {
    struct credential_answer answer;
    struct credentials credentials;
    struct error err;
    bool ok;
};

static void answered_deinit(struct answered *answered)
{
    credentials_deinit(&answered->credentials);
}

static struct answered answer_for(const char *json, const char *image)
{
    struct answered got = {.ok = false};

    got.ok = credential_answer_read(json, strlen(json), V1, image, &got.answer, &got.credentials,
                                    &got.err);
    return got;
}

static void uses_the_pattern_that_the_kubelet_uses(void **state)
{
    static const struct {
        const char *auth, *image, *want; /* the username */
    } rows[] = {
        {"\"r.example\":{\"username\":\"u\"}", "r.example/x", "u"},
        {"\"q.example\":{\"username\":\"u\"}", "r.example/x", ""},
        {"\"*.example\":{\"username\":\"u\"}", "r.example/x", "u"},
        {"\"r.example\":{\"username\":\"a\"},\"r.example/x\":{\"username\":\"b\"}", "r.example/x/y",
         "b"},
        {"\"r.example/x\":{\"username\":\"b\"},\"r.example\":{\"username\":\"a\"}", "r.example/x/y",
         "b"},
        {"\"r.example/x\":{\"username\":\"b\"},\"r.example\":{\"username\":\"a\"}", "r.example/z",
         "a"},
        {"\"*.example\":{\"username\":\"a\"},\"r.example\":{\"username\":\"b\"}", "r.example/x",
         "b"},
        {"\"r.example:5000\":{\"username\":\"u\"}", "r.example:5000/x", "u"},
        {"\"r.example\":{\"username\":\"u\"}", "r.example:5000/x", ""},
        {"\"https://r.example/v2/\":{\"username\":\"u\"}", "r.example/x", "u"},
        {"\"http://r.example/\":{\"username\":\"u\"}", "r.example/x", "u"},
        {"\"https://index.docker.io/v1/\":{\"username\":\"u\"}", "docker.io/library/x", "u"},
        {"\"index.docker.io\":{\"username\":\"u\"}", "docker.io/library/x", "u"},
        {"\"index.docker.io\":{\"username\":\"a\"},\"docker.io\":{\"username\":\"b\"}",
         "docker.io/library/x", "b"},
        {"\"index.docker.io\":{\"username\":\"u\"}", "r.example/x", ""},
        {"\"r.example\":null", "r.example/x", ""},
        {"\"r.example\":{\"username\":7}", "r.example/x", ""},
        {"\"\":{\"username\":\"u\"}", "r.example/x", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char json[400];

        snprintf(json, sizeof(json), HEAD "\"cacheKeyType\":\"Image\",\"auth\":{%s}}",
                 rows[i].auth);
        CLEANUP(answered_deinit) struct answered got = answer_for(json, rows[i].image);
        assert_true(got.ok);
        if (strcmp(secret_text(&got.credentials.username), rows[i].want) != 0)
            fail_msg("%s for %s: \"%s\"", rows[i].auth, rows[i].image,
                     secret_text(&got.credentials.username));
    }
}

static void reads_duration_and_scope_of_a_response(void **state)
{
    static const struct {
        const char *rest;
        struct credential_answer want;
    } rows[] = {
        {"\"cacheKeyType\":\"Image\"}", {CREDENTIAL_SCOPE_IMAGE, false, 0}},
        {"\"cacheKeyType\":\"Registry\",\"cacheDuration\":null}",
         {CREDENTIAL_SCOPE_REGISTRY, false, 0}},
        {"\"cacheKeyType\":\"Global\",\"cacheDuration\":\"0s\"}",
         {CREDENTIAL_SCOPE_GLOBAL, true, 0}},
        {"\"cacheKeyType\":\"Global\",\"cacheDuration\":\"6h0m0s\",\"auth\":null}",
         {CREDENTIAL_SCOPE_GLOBAL, true, 21600 * NS_PER_SECOND}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char json[400];

        snprintf(json, sizeof(json), HEAD "%s", rows[i].rest);
        CLEANUP(answered_deinit) struct answered got = answer_for(json, "r.example/x");
        assert_true(got.ok);
        assert_int_equal(got.answer.scope, rows[i].want.scope);
        assert_int_equal(got.answer.has_duration, rows[i].want.has_duration);
        assert_int_equal(got.answer.cache_ns, rows[i].want.cache_ns);
        assert_false(credentials_any(&got.credentials));
    }
}

static void rejects_invalid_responses(void **state)
{
    static const char *const answers[] = {
        "",
        "hunter2",
        "[]",
        "{}",
        "{\"kind\":\"hunter2\",\"apiVersion\":\"" V1 "\",\"cacheKeyType\":\"Image\"}",
        "{\"kind\":\"CredentialProviderResponse\",\"apiVersion\":\"" V1
        "beta1\",\"cacheKeyType\":\"Image\"}",
        HEAD "\"auth\":{}}",
        HEAD "\"cacheKeyType\":\"hunter2\"}",
        HEAD "\"cacheKeyType\":\"image\"}",
        HEAD "\"cacheKeyType\":\"Image\",\"cacheDuration\":\"hunter2\"}",
        HEAD "\"cacheKeyType\":\"Image\",\"cacheDuration\":60}",
        HEAD "\"cacheKeyType\":\"Image\"} hunter2",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        CLEANUP(answered_deinit) struct answered got = answer_for(answers[i], "r.example/x");
        if (got.ok)
            fail_msg("%s", answers[i]);
        assert_int_equal(got.err.code, ERROR_INVALID);
        assert_null(strstr(got.err.message, "hunter2"));
    }
}

/* ---- programs ---- */

/* Notes its question, counts itself, answers with `rest`. */
#define SCRIPT(rest)                                                                     \
    "#!/bin/sh\ndir=${0%/*}\ncat >$dir/question\necho \"$0 $* $WORD\" >>$dir/runs\ncat " \
    "<<EOF\n" HEAD rest "\nEOF\n"
#define ANSWER(scope, duration)                                           \
    SCRIPT("\"cacheKeyType\":\"" scope "\",\"cacheDuration\":\"" duration \
           "\",\"auth\":{\"*.example\":{\"username\":\"u\",\"password\":\"p\"}}}")

#define CONFIG "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n"
#define PROVIDER(name, image)                                             \
    "- {name: " name ", apiVersion: " V1 ", matchImages: ['" image "'], " \
    "defaultCacheDuration: 1h, args: [one, two words], env: [{name: WORD, value: word}]}\n"

static char config_path[100];
static const struct credentials_settings settings = {.provider_config = config_path,
                                                     .provider_bin_dir = directory};

static void write_config(const char *config)
{
    snprintf(config_path, sizeof(config_path), "%s/config.yaml", directory);
    directory_put("config.yaml", config, 0644);
}

static size_t count_runs(void)
{
    CLEANUP(buf_deinit) struct buf runs = BUF_INIT(100000);
    char path[200];
    struct error err;
    size_t n = 0;

    snprintf(path, sizeof(path), "%s/runs", directory);
    if (!file_read(path, &runs, &err))
        return 0;
    for (size_t i = 0; i < runs.size; i++)
        n += runs.data[i] == '\n';
    return n;
}

static void expect_file(const char *name, const char *want)
{
    CLEANUP(buf_deinit) struct buf data = BUF_INIT(10000);
    char path[200];
    struct error err;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    assert_true(file_read(path, &data, &err));
    assert_string_equal(data.data, want);
}

static void runs_a_plugin_like_the_kubelet(void **state)
{
    char want[200];

    (void)state;
    write_config(CONFIG PROVIDER("plugin", "*.example:5000"));
    directory_put(
        "plugin",
        SCRIPT("\"cacheKeyType\":\"Image\",\"auth\":{\"*.example:5000\":{\"username\":\"u\","
               "\"password\":\"p\"}}}"),
        0700);
    CLEANUP(found_deinit)
    struct found found = find(&settings, "r.example:5000/team/x:tag", NULL);
    assert_true(found.ok);
    assert_string_equal(secret_text(&found.credentials.username), "u");
    assert_string_equal(secret_text(&found.credentials.password), "p");
    assert_string_equal(found.credentials.source, "credential provider");
    expect_file("question", "{\"apiVersion\":\"" V1 "\",\"kind\":\"CredentialProviderRequest\","
                            "\"image\":\"r.example:5000/team/x\"}");
    snprintf(want, sizeof(want), "%s/plugin one two words word\n", directory);
    expect_file("runs", want);
}

static void runs_only_plugins_whose_patterns_match(void **state)
{
    (void)state;
    write_config(CONFIG PROVIDER("plugin", "*.example"));
    directory_put("plugin", ANSWER("Image", "1h"), 0700);
    CLEANUP(found_deinit) struct found found = find(&settings, "registry.other/x", NULL);
    assert_true(found.ok);
    assert_false(credentials_any(&found.credentials));
    assert_int_equal(count_runs(), 0);
}

static void caches_responses_as_long_as_they_say(void **state)
{
    static const struct {
        const char *script;
        size_t runs[4]; /* after each of the images below */
    } rows[] = {
        {ANSWER("Image", "1h"), {1, 1, 2, 3}},
        {ANSWER("Registry", "1h"), {1, 1, 1, 2}},
        {ANSWER("Global", "1h"), {1, 1, 1, 1}},
        {ANSWER("Global", "0s"), {1, 2, 3, 4}},
        {ANSWER("Global", "-1h"), {1, 2, 3, 4}},
        {SCRIPT("\"cacheKeyType\":\"Global\",\"auth\":{\"*.example\":{\"username\":\"u\"}}}"),
         {1, 1, 1, 1}}, /* the configuration's hour */
    };
    static const char *const images[] = {"r.example/x:1", "r.example/x:2", "r.example/y",
                                         "q.example/x"};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err;
        struct credential_cache *cache = credential_cache_new(&err);

        assert_non_null(cache);
        write_config(CONFIG PROVIDER("plugin", "*.example"));
        directory_put("plugin", rows[i].script, 0700);
        directory_put("runs", "", 0600);
        for (size_t k = 0; k < 4; k++) {
            CLEANUP(found_deinit) struct found found = find(&settings, images[k], cache);
            assert_true(found.ok);
            assert_string_equal(secret_text(&found.credentials.username), "u");
            assert_int_equal(count_runs(), rows[i].runs[k]);
        }
        credential_cache_free(cache);
    }
}

static void an_edited_configuration_misses_the_cache(void **state)
{
    struct error err;
    struct credential_cache *cache = credential_cache_new(&err);

    (void)state;
    assert_non_null(cache);
    directory_put("plugin", ANSWER("Global", "1h"), 0700);
    for (size_t i = 0; i < 4; i++) {
        write_config(i < 2 ? CONFIG PROVIDER("plugin", "*.example")
                           : CONFIG PROVIDER("plugin", "*.example") "# edited\n");
        CLEANUP(found_deinit) struct found found = find(&settings, "r.example/x", cache);
        assert_true(found.ok);
        assert_int_equal(count_runs(), i < 2 ? 1 : 2);
    }
    credential_cache_free(cache);
}

static void runs_plugins_until_one_returns_credentials(void **state)
{
    static const struct {
        const char *first, *username;
    } with_second[] = {
        {"#!/bin/sh\nexit 1\n", "u"},
        {SCRIPT("\"cacheKeyType\":\"Image\"}"), "u"},
        {SCRIPT("\"cacheKeyType\":\"Image\",\"auth\":{\"*.example\":{\"username\":\"first\"}}}"),
         "first"},
    };

    (void)state;
    write_config(CONFIG PROVIDER("one", "*.example") PROVIDER("two", "*.example"));
    directory_put("two", ANSWER("Image", "1h"), 0700);
    for (size_t i = 0; i < sizeof(with_second) / sizeof(with_second[0]); i++) {
        directory_put("one", with_second[i].first, 0700);
        CLEANUP(found_deinit) struct found found = find(&settings, "r.example/x", NULL);
        assert_true(found.ok);
        assert_string_equal(secret_text(&found.credentials.username), with_second[i].username);
    }
}

static void fails_if_a_plugin_fails_and_none_returns_credentials(void **state)
{
    static const struct {
        const char *script, *message;
    } rows[] = {
        {"#!/bin/sh\necho hunter2; echo hunter2 >&2; exit 3\n", "exit status 3"},
        {"#!/bin/sh\necho hunter2\n", "response"},
        {"#!/bin/sh\nexec cat /dev/zero\n", "more than"},
        {"#!/bin/sh\n", "response"},
    };

    (void)state;
    write_config(CONFIG PROVIDER("one", "*.example") PROVIDER("two", "*.example"));
    directory_put("two", SCRIPT("\"cacheKeyType\":\"Image\"}"), 0700);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        directory_put("one", rows[i].script, 0700);
        CLEANUP(found_deinit) struct found found = find(&settings, "r.example/x", NULL);
        assert_false(found.ok);
        assert_int_equal(found.err.code, ERROR_INVALID);
        assert_non_null(strstr(found.err.message, "credential provider one: "));
        assert_non_null(strstr(found.err.message, rows[i].message));
        assert_null(strstr(found.err.message, "hunter2"));
    }
}

static void names_the_provider_or_file_at_fault(void **state)
{
    (void)state;
    write_config(CONFIG PROVIDER("missing", "*.example"));
    CLEANUP(found_deinit) struct found missing = find(&settings, "r.example/x", NULL);
    assert_false(missing.ok);
    assert_int_equal(missing.err.code, ERROR_INVALID);
    assert_non_null(strstr(missing.err.message, "/missing: No such file"));
    write_config(CONFIG "- {name: pods, apiVersion: " V1
                        ", matchImages: ['*.example'], defaultCacheDuration: 1h, "
                        "tokenAttributes: {requireServiceAccount: true}}\n");
    CLEANUP(found_deinit) struct found pods = find(&settings, "r.example/x", NULL);
    assert_false(pods.ok);
    assert_non_null(strstr(pods.err.message, "service account"));
    write_config("providers: nonsense");
    CLEANUP(found_deinit) struct found nonsense = find(&settings, "r.example/x", NULL);
    assert_false(nonsense.ok);
    assert_int_equal(nonsense.err.code, ERROR_INVALID);
    assert_non_null(strstr(nonsense.err.message, config_path));
}

static void a_hanging_plugin_ends_with_the_run(void **state)
{
    (void)state;
    write_config(CONFIG PROVIDER("one", "*.example") PROVIDER("two", "*.example"));
    directory_put("one", "#!/bin/sh\nexec sleep 1000\n", 0700);
    directory_put("two", ANSWER("Image", "1h"), 0700);
    CLEANUP(found_deinit)
    struct found found =
        find_before(&settings, "r.example/x", NULL, clock_now_ns() + 200 * NS_PER_MS);
    assert_false(found.ok);
    assert_int_equal(found.err.code, ERROR_TIMEOUT);
    assert_int_equal(count_runs(), 0);
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, directory_make, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uses_the_pattern_that_the_kubelet_uses),
        cmocka_unit_test(reads_duration_and_scope_of_a_response),
        cmocka_unit_test(rejects_invalid_responses),
        IN_DIRECTORY(runs_a_plugin_like_the_kubelet),
        IN_DIRECTORY(runs_only_plugins_whose_patterns_match),
        IN_DIRECTORY(caches_responses_as_long_as_they_say),
        IN_DIRECTORY(an_edited_configuration_misses_the_cache),
        IN_DIRECTORY(runs_plugins_until_one_returns_credentials),
        IN_DIRECTORY(fails_if_a_plugin_fails_and_none_returns_credentials),
        IN_DIRECTORY(names_the_provider_or_file_at_fault),
        IN_DIRECTORY(a_hanging_plugin_ends_with_the_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
