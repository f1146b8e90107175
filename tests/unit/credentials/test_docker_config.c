/* SPDX-License-Identifier: Apache-2.0 */
/* config.json as written by Docker, Podman and by hand. */
#include "credentials/docker_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PAIR "dXNlcjpwYXNzOndvcmQ=" /* user:pass:word */

struct found {
    struct credentials credentials;
    char helper[CREDENTIAL_HELPER_BYTES];
    struct error err;
    bool ok;
};

static void found_deinit(struct found *found)
{
    credentials_deinit(&found->credentials);
}

static struct found find(const char *config, const char *image)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT(10000);
    struct reference reference;
    struct found found = {.ok = false};

    assert_true(reference_parse(&reference, image, &arena, &found.err));
    found.ok = docker_config_find(config, strlen(config), &reference, &found.credentials,
                                  found.helper, &found.err);
    return found;
}

static const char *text(const struct secret *secret)
{
    return secret->text ? secret->text : "";
}

static void finds_the_entry_of_a_host(void **state)
{
    static const struct {
        const char *key, *image;
        bool want;
    } rows[] = {
        {"registry.example", "registry.example/a/b:1", true},
        {"registry.example", "registry.example:5000/a/b:1", false},
        {"registry.example:5000", "registry.example:5000/a/b", true},
        {"registry.example:5000", "registry.example/a/b", false},
        {"Registry.Example", "registry.example/a/b", true},
        {"other.example", "registry.example/a", false},
        {"gistry.example", "registry.example/a", false},
        {"registry.example.org", "registry.example/a", false},
        {"https://registry.example", "registry.example/a", true},
        {"http://registry.example/", "registry.example/a", true},
        {"https://registry.example/v1/", "registry.example/a", true},
        {"https://registry.example/v2", "registry.example/a", true},
        {"registry.example/v2/", "registry.example/a", true},
        {"https://registry.example/api/docker", "registry.example/a", true},
        /* the beginning of a repository */
        {"registry.example/team", "registry.example/team/name", true},
        {"registry.example/team/", "registry.example/team/name", true},
        {"registry.example/team/name", "registry.example/team/name:tag", true},
        {"registry.example/tea", "registry.example/team/name", true}, /* as for the kubelet */
        {"registry.example/tea/", "registry.example/team/name", false},
        {"registry.example/team/name/", "registry.example/team/name", true},
        {"registry.example/other", "registry.example/team/name", false},
        {"registry.example/v2/team", "registry.example/team/name", true},
        {"registry.example/v2/other", "registry.example/team/name", false},
        {"registry.example/v2x", "registry.example/team/name", false},
        {"registry.example/team/name/more", "registry.example/team/name", false},
        /* Docker Hub */
        {"https://index.docker.io/v1/", "busybox", true},
        {"docker.io", "docker.io/library/busybox", true},
        {"index.docker.io", "busybox", true},
        {"registry-1.docker.io", "index.docker.io/library/busybox", true},
        {"https://registry-1.docker.io/v2/", "busybox", true},
        {"docker.io/library", "busybox", true},
        {"docker.io/other", "busybox", false},
        {"https://index.docker.io/v1/", "registry.example/busybox", false},
        /* patterns */
        {"*.dkr.ecr.us-east-1.amazonaws.com", "1.dkr.ecr.us-east-1.amazonaws.com/a/b:1", true},
        {"*.dkr.ecr.us-east-1.amazonaws.com", "1.dkr.ecr.eu-west-1.amazonaws.com/a", false},
        {"*.dkr.ecr.*.amazonaws.com", "1.dkr.ecr.eu-west-1.amazonaws.com/a", true},
        {"*.amazonaws.com", "1.dkr.ecr.eu-west-1.amazonaws.com/a", false},
        {"*.*.*.*.*.*", "1.dkr.ecr.eu-west-1.amazonaws.com/a", true},
        {"*.azurecr.io", "team.azurecr.io/a", true},
        {"*.azurecr.io", "azurecr.io/a", false},
        {"*.azurecr.io", "team.azurecr.io.evil.example/a", false},
        {"*azurecr.io", "team.azurecr.io/a", false},
        {"te*.azurecr.io", "team.azurecr.io/a", true},
        {"https://*.azurecr.io", "team.azurecr.io/a", true},
        {"https://*.azurecr.io/v2/", "team.azurecr.io/a", true},
        {"*.azurecr.io/team", "x.azurecr.io/team/name", true},
        {"*.azurecr.io/team", "x.azurecr.io/teams/name", true},
        {"*.azurecr.io/other", "x.azurecr.io/team/name", false},
        {"*.example:5000", "registry.example:5000/a", true},
        {"*.example:5000", "registry.example/a", false},
        {"*.example", "registry.example:5000/a", false},
        {"*.example/*", "registry.example/a", false}, /* only hosts have patterns */
        {"registry.example/*", "registry.example/a", false},
        {"*.io", "busybox", true}, /* docker.io */
        {"*", "registry.example/a", false},
        {"*", "localhost/a", true},
        {"", "busybox", false},
        {"/", "busybox", false},
        {"https://", "busybox", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char config[256];

        snprintf(config, sizeof(config), "{\"auths\":{\"%s\":{\"auth\":\"" PAIR "\"}}}",
                 rows[i].key);
        CLEANUP(found_deinit) struct found found = find(config, rows[i].image);
        assert_true(found.ok);
        assert_string_equal(found.helper, "");
        if (credentials_any(&found.credentials) != rows[i].want)
            fail_msg("\"%s\" for %s", rows[i].key, rows[i].image);
        assert_string_equal(text(&found.credentials.username), rows[i].want ? "user" : "");
        assert_string_equal(text(&found.credentials.password), rows[i].want ? "pass:word" : "");
    }
}

/* Of two entries the better one counts, whichever comes first. */
static void prefers_the_more_specific_entry(void **state)
{
    static const struct {
        const char *better, *worse, *image;
    } rows[] = {
        {"r.example/team", "r.example", "r.example/team/x"},
        {"r.example/team/x", "r.example/team", "r.example/team/x"},
        {"r.example", "https://r.example", "r.example/team/x"},
        {"https://r.example/v1/", "https://r.example/elsewhere", "r.example/team/x"},
        {"https://index.docker.io/v1/", "docker.io", "busybox"},
        {"docker.io", "https://index.docker.io/v1/access-token", "busybox"},
        {"r.example/team", "r.example/tea", "r.example/team/x"},
        {"r.example", "*.example", "r.example/team/x"},
        {"r.example", "*.example/team", "r.example/team/x"},
        {"*.example", "https://r.example/elsewhere", "r.example/team/x"},
        {"*.example/team", "*.example", "r.example/team/x"},
        {"r*.example", "*.example/team", "r.example/team/x"},
        {"https://*.example/v2/team", "*.example", "r.example/team/x"},
    };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        const char *keys[] = {rows[i / 2].better, rows[i / 2].worse};
        const char *users[] = {"better", "worse"};
        size_t first = i % 2, second = 1 - first;
        char config[300];

        snprintf(config, sizeof(config),
                 "{\"auths\":{\"%s\":{\"username\":\"%s\"},\"%s\":{\"username\":\"%s\"}}}",
                 keys[first], users[first], keys[second], users[second]);
        CLEANUP(found_deinit) struct found found = find(config, rows[i / 2].image);
        assert_true(found.ok);
        assert_string_equal(text(&found.credentials.username), "better");
    }
}

static void reads_every_kind_of_secret(void **state)
{
    static const struct {
        const char *entry, *username, *password, *identity, *registry;
    } rows[] = {
        {"{\"auth\":\"" PAIR "\"}", "user", "pass:word", "", ""},
        {"{\"auth\":\"dXNlcjpwYXNzAAAA\"}", "user", "pass", "", ""}, /* padded with NULs */
        {"{\"auth\":\"dXNlcjo=\"}", "user", "", "", ""},
        {"{\"username\":\"u\",\"password\":\"p\"}", "u", "p", "", ""},
        {"{\"auth\":\"" PAIR "\",\"username\":\"u\",\"password\":\"p\"}", "user", "pass:word", "",
         ""},
        {"{\"auth\":\"\",\"username\":\"u\",\"password\":\"p\"}", "u", "p", "", ""},
        {"{\"auth\":\"dXNlcjo=\",\"identitytoken\":\"it\"}", "user", "", "it", ""},
        {"{\"auth\":\"Og==\",\"identitytoken\":\"it\"}", "", "", "it", ""},
        {"{\"registrytoken\":\"rt\"}", "", "", "", "rt"},
        {"{}", "", "", "", ""},
        {"null", "", "", "", ""},
        {"{\"auth\":null,\"email\":\"x\"}", "", "", "", ""},
        {"{\"auth\":7}", "", "", "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char config[256];

        snprintf(config, sizeof(config), "{\"auths\":{\"r.example\":%s}}", rows[i].entry);
        CLEANUP(found_deinit) struct found found = find(config, "r.example/x");
        assert_true(found.ok);
        assert_string_equal(text(&found.credentials.username), rows[i].username);
        assert_string_equal(text(&found.credentials.password), rows[i].password);
        assert_string_equal(text(&found.credentials.identity_token), rows[i].identity);
        assert_string_equal(text(&found.credentials.registry_token), rows[i].registry);
    }
}

static void an_empty_entry_hides_no_other(void **state)
{
    CLEANUP(found_deinit)
    struct found found =
        find("{\"auths\":{\"r.example\":{},\"https://r.example\":{\"auth\":\"" PAIR "\"}}}",
             "r.example/x");

    (void)state;
    assert_true(found.ok);
    assert_string_equal(text(&found.credentials.username), "user");
}

/* Docker before 1.7, Secrets of type kubernetes.io/dockercfg. */
static void reads_an_old_dockercfg(void **state)
{
    static const struct {
        const char *config, *image;
        bool want;
    } rows[] = {
        {"{\"r.example\":{\"auth\":\"" PAIR "\",\"email\":\"a@b\"}}", "r.example/x", true},
        {"{\"https://r.example/v1/\":{\"auth\":\"" PAIR "\"}}", "r.example/x", true},
        {"{\"https://index.docker.io/v1/\":{\"auth\":\"" PAIR "\"}}", "busybox", true},
        {"{\"*.example\":{\"username\":\"user\",\"password\":\"p\"}}", "r.example/x", true},
        {"{\"q.example\":{\"auth\":\"" PAIR "\"}}", "r.example/x", false},
        {"{\"r.example\":\"" PAIR "\"}", "r.example/x", false},
        {"{}", "r.example/x", false},
        /* a new file is not read as an old one */
        {"{\"auths\":{},\"r.example\":{\"auth\":\"" PAIR "\"}}", "r.example/x", false},
        {"{\"auths\":null,\"r.example\":{\"auth\":\"" PAIR "\"}}", "r.example/x", false},
        {"{\"credHelpers\":{},\"r.example\":{\"auth\":\"" PAIR "\"}}", "r.example/x", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(found_deinit) struct found found = find(rows[i].config, rows[i].image);

        assert_true(found.ok);
        if (credentials_any(&found.credentials) != rows[i].want)
            fail_msg("%s", rows[i].config);
        assert_string_equal(text(&found.credentials.username), rows[i].want ? "user" : "");
    }
}

static void a_helper_precedes_inline_entries(void **state)
{
    static const struct {
        const char *config, *image, *helper;
    } rows[] = {
        {"{\"credHelpers\":{\"r.example\":\"ecr-login\"}}", "r.example/x", "ecr-login"},
        {"{\"credHelpers\":{\"r.example\":\"ecr-login\"},\"credsStore\":\"pass\"}", "r.example/x",
         "ecr-login"},
        {"{\"credHelpers\":{\"r.example\":\"ecr-login\"},\"credsStore\":\"pass\"}", "q.example/x",
         "pass"},
        {"{\"credHelpers\":{\"r.example\":\"ecr-login\"}}", "q.example/x", ""},
        {"{\"credHelpers\":{\"r.example\":\"\"},\"credsStore\":\"pass\"}", "r.example/x", ""},
        {"{\"credHelpers\":{\"https://index.docker.io/v1/\":\"hub\"}}", "busybox", "hub"},
        {"{\"credHelpers\":{\"docker.io\":\"hub\"}}", "busybox", "hub"},
        {"{\"credHelpers\":{\"*.example\":\"glob\"}}", "r.example/x", ""}, /* no patterns here */
        {"{\"credHelpers\":{\"r.example\":5},\"credsStore\":null}", "r.example/x", ""},
        {"{\"credHelpers\":[],\"credsStore\":\"pass\"}", "r.example/x", "pass"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char config[256];

        snprintf(config, sizeof(config), "%.*s,\"auths\":{\"r.example\":{\"auth\":\"" PAIR "\"}}}",
                 (int)strlen(rows[i].config) - 1, rows[i].config);
        CLEANUP(found_deinit) struct found found = find(config, rows[i].image);
        assert_true(found.ok);
        assert_string_equal(found.helper, rows[i].helper);
        assert_int_equal(credentials_any(&found.credentials),
                         !*rows[i].helper && strcmp(rows[i].image, "r.example/x") == 0);
    }
}

static void rejects_invalid_files_without_quoting_them(void **state)
{
    static const char *const entries[] = {
        "{\"auth\":\"hunter2\"}",                               /* no base64 */
        "{\"auth\":\"aHVudGVyMg==\"}",                          /* no colon */
        "{\"auth\":\"OmhudW50ZXIy\"}",                          /* no user */
        "{\"auth\":\"dXNlcjpodW4AdGVyMg==\"}",                  /* a NUL inside */
        "{\"auth\":\"dXNlcjpwYXNz\" \"password\":\"hunter2\"}", /* no JSON */
        "\"hunter2",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        char config[256];

        snprintf(config, sizeof(config), "{\"auths\":{\"r.example\":%s}}", entries[i]);
        CLEANUP(found_deinit) struct found found = find(config, "r.example/x");
        assert_false(found.ok);
        assert_int_equal(found.err.code, ERROR_INVALID);
        assert_null(strstr(found.err.message, "hunter2"));
        assert_null(strstr(found.err.message, "aHVudGVyMg"));
    }
    CLEANUP(found_deinit) struct found list = find("[]", "r.example/x");
    assert_false(list.ok);
    CLEANUP(found_deinit) struct found empty = find("", "r.example/x");
    assert_false(empty.ok);
    assert_int_equal(empty.err.code, ERROR_INVALID);
}

static void limits_the_name_of_a_helper(void **state)
{
    char config[200], name[CREDENTIAL_HELPER_BYTES + 1] = {0};

    (void)state;
    memset(name, 'x', CREDENTIAL_HELPER_BYTES);
    snprintf(config, sizeof(config), "{\"credsStore\":\"%s\"}", name);
    CLEANUP(found_deinit) struct found found = find(config, "r.example/x");
    assert_false(found.ok);
    assert_int_equal(found.err.code, ERROR_INVALID);
    snprintf(config, sizeof(config), "{\"credsStore\":\"%s\"}", name + 1);
    CLEANUP(found_deinit) struct found shorter = find(config, "r.example/x");
    assert_true(shorter.ok);
    assert_string_equal(shorter.helper, name + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_entry_of_a_host),
        cmocka_unit_test(prefers_the_more_specific_entry),
        cmocka_unit_test(reads_every_kind_of_secret),
        cmocka_unit_test(an_empty_entry_hides_no_other),
        cmocka_unit_test(reads_an_old_dockercfg),
        cmocka_unit_test(a_helper_precedes_inline_entries),
        cmocka_unit_test(rejects_invalid_files_without_quoting_them),
        cmocka_unit_test(limits_the_name_of_a_helper),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
