/* SPDX-License-Identifier: Apache-2.0 */
/* The kubelet's CredentialProviderConfig, in YAML and JSON, in a file and in a directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "credentials/credential_providers.h"
#include "support/credentials_fixture.h"

#define HEAD "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n"
#define PROVIDER(name)                                                                      \
    "- name: " name "\n  apiVersion: credentialprovider.kubelet.k8s.io/v1\n  matchImages: " \
    "['*.example']\n  defaultCacheDuration: 12h\n"

static bool parse(const char *config, struct credential_providers *providers, struct arena *arena,
                  struct error *err)
{
    providers->count = 0;
    return credential_providers_parse(providers, config, strlen(config), arena, err);
}

static void reads_all_keys_of_yaml(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 20);
    struct credential_providers providers;
    const struct credential_provider *first = &providers.items[0], *second = &providers.items[1];
    struct error err;

    (void)state;
    assert_true(parse(HEAD "- name: ecr-credential-provider\n"
                           "  matchImages:\n"
                           "  - \"*.dkr.ecr.*.amazonaws.com\"\n"
                           "  - public.ecr.aws\n"
                           "  defaultCacheDuration: \"1h30m\"\n"
                           "  apiVersion: credentialprovider.kubelet.k8s.io/v1beta1\n"
                           "  args: [get-credentials, '--v=3']\n"
                           "  env:\n"
                           "  - name: AWS_PROFILE\n"
                           "    value: example\n"
                           "  - {name: EMPTY}\n"
                           "  a_key_of_tomorrow: {a: b}\n"
                           "- name: pods-only\n"
                           "  matchImages: [r.example]\n"
                           "  defaultCacheDuration: 0s\n"
                           "  apiVersion: credentialprovider.kubelet.k8s.io/v1\n"
                           "  tokenAttributes:\n"
                           "    serviceAccountTokenAudience: a\n"
                           "    requireServiceAccount: true\n",
                      &providers, &arena, &err));
    assert_int_equal(providers.count, 2);
    assert_string_equal(first->name, "ecr-credential-provider");
    assert_string_equal(first->api_version, "credentialprovider.kubelet.k8s.io/v1beta1");
    assert_int_equal(first->cache_ns, 5400 * NS_PER_SECOND);
    assert_string_equal(first->match_images[0], "*.dkr.ecr.*.amazonaws.com");
    assert_string_equal(first->match_images[1], "public.ecr.aws");
    assert_null(first->match_images[2]);
    assert_string_equal(first->args[1], "--v=3");
    assert_null(first->args[2]);
    assert_string_equal(first->env[0], "AWS_PROFILE=example");
    assert_string_equal(first->env[1], "EMPTY=");
    assert_null(first->env[2]);
    assert_false(first->wants_service_account);
    assert_true(second->wants_service_account);
    assert_int_equal(second->cache_ns, 0);
    assert_null(second->args[0]);
    assert_null(second->env[0]);
}

static void reads_json_as_well(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 20);
    struct credential_providers providers;
    struct error err;

    (void)state;
    assert_true(
        parse("{\n\t\"kind\": \"CredentialProviderConfig\",\n"
              "\t\"apiVersion\": \"kubelet.config.k8s.io/v1alpha1\",\n"
              "\t\"providers\": [\n\t\t{\"name\": \"p\", \"matchImages\": [\"gcr.io\"],\n"
              "\t\t \"defaultCacheDuration\": \"1m\", \"args\": null,\n"
              "\t\t \"apiVersion\": \"credentialprovider.kubelet.k8s.io/v1alpha1\"}\n\t]\n}\n",
              &providers, &arena, &err));
    assert_int_equal(providers.count, 1);
    assert_string_equal(providers.items[0].name, "p");
    assert_null(providers.items[0].args[0]);
}

static void names_the_mistake_and_its_place(void **state)
{
    static const struct {
        const char *config, *want;
    } rows[] = {
        {"", "invalid \"apiVersion\": expected a text"},
        {"[]", "invalid \"apiVersion\": expected a text"},
        {"a: [", "2:1: "},
        {"apiVersion: v1\nkind: CredentialProviderConfig\nproviders:\n" PROVIDER("p"),
         "invalid apiVersion \"v1\": expected kubelet.config.k8s.io/v1"},
        {"apiVersion: kubelet.config.k8s.io/v2\nkind: CredentialProviderConfig\n"
         "providers:\n" PROVIDER("p"),
         "invalid apiVersion \"kubelet.config.k8s.io/v2\""},
        {"apiVersion: kubelet.config.k8s.io/v1\nkind: Pod\nproviders:\n" PROVIDER("p"),
         "kind \"Pod\""},
        {"apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\n", "\"providers\""},
        {HEAD, "\"providers\""},
        {HEAD "  {}\n", "\"providers\""},
        {HEAD "- p\n", "4:3: invalid \"name\": expected a text"},
        {HEAD PROVIDER("a/b"), "4:3: invalid name \"a/b\""},
        {HEAD PROVIDER("'a b'"), "invalid name \""},
        {HEAD PROVIDER(".."), "invalid name \""},
        {HEAD PROVIDER("."), "invalid name \""},
        {HEAD PROVIDER("''"), "invalid \"name\": expected a text"},
        {HEAD PROVIDER("p") PROVIDER("p"), "8:3: duplicate provider \"p\""},
        {HEAD PROVIDER("p") "  args: x\n", "8:9: invalid \"args\": expected a list"},
        {HEAD PROVIDER("p") "  args: [[x]]\n", "expected a text, found a list"},
        {HEAD PROVIDER("p") "  env: [{value: x}]\n", "invalid \"name\": expected a text"},
        {HEAD "- {name: p, apiVersion: credentialprovider.kubelet.k8s.io/v1, matchImages: [], "
              "defaultCacheDuration: 1m}\n",
         "invalid \"matchImages\": expected at least one pattern"},
        {HEAD "- {name: p, apiVersion: credentialprovider.kubelet.k8s.io/v1, matchImages: [a]}\n",
         "invalid \"defaultCacheDuration\": expected a text"},
        {HEAD "- {name: p, apiVersion: credentialprovider.kubelet.k8s.io/v1, matchImages: [a], "
              "defaultCacheDuration: -1m}\n",
         "invalid defaultCacheDuration \"-1m\": expected"},
        {HEAD "- {name: p, apiVersion: v1, matchImages: [a], defaultCacheDuration: 1m}\n",
         "invalid apiVersion \"v1\": expected credentialprovider"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 20);
        struct credential_providers providers;
        struct error err;

        if (parse(rows[i].config, &providers, &arena, &err))
            fail_msg("%s", rows[i].config);
        assert_int_equal(err.code, ERROR_INVALID);
        if (!strstr(err.message, rows[i].want))
            fail_msg("\"%s\" instead of \"%s\"", err.message, rows[i].want);
    }
}

static void limits_the_number_of_providers(void **state)
{
    CLEANUP(buf_deinit) struct buf config = BUF_INIT((size_t)1 << 20);

    (void)state;
    buf_append_str(&config, HEAD);
    for (size_t i = 0; i <= CREDENTIAL_PROVIDERS_MAX; i++) {
        CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 20);
        struct credential_providers providers;
        struct error err;

        buf_printf(&config,
                   "- {name: p%zu, apiVersion: credentialprovider.kubelet.k8s.io/v1, "
                   "matchImages: [a], defaultCacheDuration: 1m}\n",
                   i);
        if (i < CREDENTIAL_PROVIDERS_MAX - 1)
            continue;
        assert_int_equal(parse(config.data, &providers, &arena, &err),
                         i < CREDENTIAL_PROVIDERS_MAX);
    }
}

static bool load(const char *name, struct credential_providers *providers, struct arena *arena,
                 struct error *err)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    providers->count = 0;
    return credential_providers_load(providers, path, arena, err);
}

static void loads_a_file_or_a_directory_of_them(void **state)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)1 << 20);
    struct credential_providers providers;
    struct error err;

    (void)state;
    assert_false(load("b.yaml", &providers, &arena, &err));
    assert_int_equal(err.code, ERROR_INVALID);
    assert_false(load(".", &providers, &arena, &err));
    assert_non_null(strstr(err.message, "expected at least one .json"));
    directory_put("b.yaml", HEAD PROVIDER("third"), 0644);
    directory_put("a.yml", HEAD PROVIDER("first") PROVIDER("second"), 0644);
    directory_put("c.json", HEAD PROVIDER("fourth"), 0644);
    directory_put("README", "no configuration", 0644);
    directory_put("d.yaml.bak", "no configuration", 0644);
    assert_true(load("b.yaml", &providers, &arena, &err));
    assert_int_equal(providers.count, 1);
    assert_true(load(".", &providers, &arena, &err));
    assert_int_equal(providers.count, 4);
    assert_string_equal(providers.items[0].name, "first");
    assert_string_equal(providers.items[2].name, "third");
    assert_string_equal(providers.items[3].name, "fourth");
    directory_put("d.yaml", HEAD PROVIDER("second"), 0644);
    assert_false(load(".", &providers, &arena, &err));
    assert_non_null(strstr(err.message, "d.yaml: 4:3: duplicate provider \"second\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_all_keys_of_yaml),
        cmocka_unit_test(reads_json_as_well),
        cmocka_unit_test(names_the_mistake_and_its_place),
        cmocka_unit_test(limits_the_number_of_providers),
        cmocka_unit_test_setup_teardown(loads_a_file_or_a_directory_of_them, directory_make,
                                        directory_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
