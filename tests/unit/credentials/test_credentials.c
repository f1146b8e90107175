/* SPDX-License-Identifier: Apache-2.0 */
/* Where a user and a password come from: settings, files, docker's file and its helpers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/credentials_fixture.h"

static void checks_that_settings_make_sense(void **state)
{
    static const struct {
        struct credentials_settings settings;
        const char *key; /* NULL: they do */
    } rows[] = {
        {{0}, NULL},
        {{.username = "", .password_file = "", .docker_config = ""}, NULL},
        {{.username = "u", .password = "p"}, NULL},
        {{.username_file = "f", .password_file = "g"}, NULL},
        {{.identity_token = "t"}, NULL},
        {{.username = "u", .identity_token = "t"}, NULL},
        {{.registry_token_file = "f"}, NULL},
        {{.docker_config = "f"}, NULL},
        {{.provider_config = "c", .provider_bin_dir = "d"}, NULL},
        {{.username = "u", .password = "p", .docker_config = "f"}, NULL},
        {{.username = "u"}, "auth.username"},
        {{.username_file = "f"}, "auth.username_file"},
        {{.password = "p"}, "auth.password"},
        {{.password_file = "f"}, "auth.password_file"},
        {{.username = "u", .username_file = "f", .password = "p"}, "auth.username_file"},
        {{.username = "u", .password = "p", .password_file = "f"}, "auth.password_file"},
        {{.identity_token = "t", .identity_token_file = "f"}, "auth.identity_token_file"},
        {{.username = "u", .password = "p", .identity_token = "t"}, "auth.identity_token"},
        {{.username = "u", .password = "p", .registry_token = "t"}, "auth.registry_token"},
        {{.identity_token = "t", .registry_token_file = "f"}, "auth.registry_token_file"},
        {{.username = "u", .registry_token = "t"}, "auth.username"},
        {{.provider_config = "c"}, "credential_provider.config"},
        {{.provider_bin_dir = "d"}, "credential_provider.bin_dir"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *key = NULL;
        struct error err;
        bool ok = credentials_check(&rows[i].settings, &key, &err);

        assert_int_equal(ok, !rows[i].key);
        if (ok)
            continue;
        assert_string_equal(key, rows[i].key);
        assert_int_equal(err.code, ERROR_INVALID);
    }
}

static void is_anonymous_without_settings(void **state)
{
    const struct credentials_settings settings = {.username = "", .docker_config = ""};
    CLEANUP(found_deinit) struct found found = find(&settings, "busybox", NULL);

    (void)state;
    assert_true(found.ok);
    assert_false(credentials_any(&found.credentials));
    assert_null(found.credentials.source);
}

static void inline_settings_precede_all_others(void **state)
{
    const struct credentials_settings settings = {
        .username = "u", .password = "p", .docker_config = "/nonexistent"};
    CLEANUP(found_deinit) struct found found = find(&settings, "busybox", NULL);

    (void)state;
    assert_true(found.ok);
    assert_string_equal(secret_text(&found.credentials.username), "u");
    assert_string_equal(secret_text(&found.credentials.password), "p");
    assert_string_equal(found.credentials.source, "auth");
}

static void reads_files_again_for_every_run(void **state)
{
    char path[100];
    const struct credentials_settings settings = {.username = "u", .password_file = path};

    (void)state;
    snprintf(path, sizeof(path), "%s/password", directory);
    directory_put("password", "first\n", 0600);
    CLEANUP(found_deinit) struct found first = find(&settings, "busybox", NULL);
    directory_put("password", " second \r\n\n", 0600);
    CLEANUP(found_deinit) struct found second = find(&settings, "busybox", NULL);
    assert_true(first.ok && second.ok);
    assert_string_equal(secret_text(&first.credentials.password), "first");
    assert_string_equal(secret_text(&second.credentials.password), " second ");
}

static void rejects_a_file_without_a_secret(void **state)
{
    char path[100];
    const struct credentials_settings settings = {.identity_token_file = path};

    (void)state;
    snprintf(path, sizeof(path), "%s/token", directory);
    for (int i = 0; i < 3; i++) {
        if (i > 0) /* before that there is no such file */
            directory_put("token", i == 1 ? "" : "\r\n", 0600);
        CLEANUP(found_deinit) struct found found = find(&settings, "busybox", NULL);
        assert_false(found.ok);
        assert_int_equal(found.err.code, ERROR_INVALID);
        assert_non_null(strstr(found.err.message, "auth.identity_token_file"));
        assert_non_null(strstr(found.err.message, path));
        assert_false(credentials_any(&found.credentials));
    }
}

/* A docker config with one helper, which is this script. */
static struct found ask_helper(const char *script, const char *image, int64_t wait_ns)
{
    char path[100], search_path[300];
    const struct credentials_settings settings = {.docker_config = path};

    snprintf(path, sizeof(path), "%s/config.json", directory);
    snprintf(search_path, sizeof(search_path), "%s:/usr/bin:/bin", directory);
    setenv("PATH", search_path, 1);
    directory_put("config.json", "{\"credsStore\":\"test\"}", 0600);
    directory_put("docker-credential-test", script, 0700);
    return find_before(&settings, image, NULL, clock_now_ns() + wait_ns);
}

static void finds_an_entry_of_the_docker_config(void **state)
{
    char path[100];
    const struct credentials_settings settings = {.docker_config = path};

    (void)state;
    snprintf(path, sizeof(path), "%s/config.json", directory);
    directory_put("config.json", "{\"auths\":{\"r.example\":{\"auth\":\"dTpw\"}}}", 0644);
    CLEANUP(found_deinit) struct found found = find(&settings, "r.example/x", NULL);
    assert_true(found.ok);
    assert_string_equal(secret_text(&found.credentials.password), "p");
    assert_string_equal(found.credentials.source, "docker_config");
    CLEANUP(found_deinit) struct found other = find(&settings, "q.example/x", NULL);
    assert_true(other.ok);
    assert_false(credentials_any(&other.credentials));
    assert_string_equal(other.credentials.searched, path);
    directory_put("config.json", "{", 0644);
    CLEANUP(found_deinit) struct found broken = find(&settings, "r.example/x", NULL);
    assert_false(broken.ok);
    assert_int_equal(broken.err.code, ERROR_INVALID);
    assert_non_null(strstr(broken.err.message, path));
    unlink(path);
    CLEANUP(found_deinit) struct found missing = find(&settings, "r.example/x", NULL);
    assert_false(missing.ok);
    assert_int_equal(missing.err.code, ERROR_INVALID);
}

#define ECHO_SERVER                                                                    \
    "#!/bin/sh\n[ \"$#$1\" = 1get ] && echo '{\"ServerURL\":\"x\",\"Username\":\"u\"," \
    "\"Secret\":\"'$(cat)'\"}'\n"

static void asks_a_helper_for_the_registry(void **state)
{
    (void)state;
    CLEANUP(found_deinit) struct found found = ask_helper(ECHO_SERVER, "r.example:5000/x", LONG_NS);
    assert_true(found.ok);
    assert_string_equal(secret_text(&found.credentials.username), "u");
    assert_string_equal(secret_text(&found.credentials.password), "r.example:5000");
    assert_string_equal(found.credentials.source, "credential helper");
    CLEANUP(found_deinit) struct found hub = ask_helper(ECHO_SERVER, "busybox", LONG_NS);
    assert_true(hub.ok);
    assert_string_equal(secret_text(&hub.credentials.password), "https://index.docker.io/v1/");
}

static void reads_an_identity_token_of_a_helper(void **state)
{
    CLEANUP(found_deinit)
    struct found found = ask_helper(
        "#!/bin/sh\necho '{\"Username\":\"<token>\",\"Secret\":\"t\"}'\n", "busybox", LONG_NS);

    (void)state;
    assert_true(found.ok);
    assert_string_equal(secret_text(&found.credentials.identity_token), "t");
    assert_string_equal(secret_text(&found.credentials.username), "");
    assert_string_equal(secret_text(&found.credentials.password), "");
}

static void is_anonymous_if_a_helper_has_no_credentials(void **state)
{
    static const char *const scripts[] = {
        "#!/bin/sh\necho 'credentials not found in native keychain'\nexit 1\n",
        "#!/bin/sh\necho '{\"Username\":\"\",\"Secret\":\"\"}'\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        CLEANUP(found_deinit) struct found found = ask_helper(scripts[i], "busybox", LONG_NS);
        assert_true(found.ok);
        assert_false(credentials_any(&found.credentials));
    }
}

static void a_helper_that_fails_is_a_failure(void **state)
{
    static const struct {
        const char *script, *message;
    } rows[] = {
        {"#!/bin/sh\necho hunter2; echo hunter2 >&2; exit 1\n", "exit status 1"},
        {"#!/bin/sh\necho 'credentials not found in native keychain: hunter2'; exit 1\n",
         "exit status 1"},
        {"#!/bin/sh\nkill -9 $$\n", "killed by signal 9"},
        {"#!/bin/sh\necho hunter2\n", "expected a JSON object with Username"},
        {"#!/bin/sh\n", "expected a JSON object with Username"},
        {"#!/bin/sh\necho '{\"Username\":\"hunter2\"}'\n", "expected a JSON object with Username"},
        {"#!/bin/sh\nexec cat /dev/zero\n", "more than"},
        {"no program", "docker-credential-test"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(found_deinit) struct found found = ask_helper(rows[i].script, "busybox", LONG_NS);
        assert_false(found.ok);
        assert_int_equal(found.err.code, ERROR_INVALID);
        assert_non_null(strstr(found.err.message, rows[i].message));
        assert_non_null(strstr(found.err.message, "docker-credential-test"));
        assert_null(strstr(found.err.message, "hunter2"));
        assert_false(credentials_any(&found.credentials));
    }
}

static void does_not_wait_longer_than_the_run(void **state)
{
    CLEANUP(found_deinit)
    struct found found = ask_helper("#!/bin/sh\nexec sleep 1000\n", "busybox", 200 * NS_PER_MS);

    (void)state;
    assert_false(found.ok);
    assert_int_equal(found.err.code, ERROR_TIMEOUT);
}

static void runs_no_helper_with_an_invalid_name(void **state)
{
    static const char *const names[] = {"../test", "a/b", "a b", "a;b", "\\u0000", "$(x)"};
    char path[100];
    const struct credentials_settings settings = {.docker_config = path};

    (void)state;
    snprintf(path, sizeof(path), "%s/config.json", directory);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char config[100];

        snprintf(config, sizeof(config), "{\"credHelpers\":{\"docker.io\":\"%s\"}}", names[i]);
        directory_put("config.json", config, 0600);
        CLEANUP(found_deinit) struct found found = find(&settings, "busybox", NULL);
        assert_false(credentials_any(&found.credentials));
        assert_true(found.ok == (names[i][0] == '\\')); /* a name with a NUL is invalid */
        if (!found.ok)
            assert_int_equal(found.err.code, ERROR_INVALID);
    }
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, directory_make, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_that_settings_make_sense),
        cmocka_unit_test(is_anonymous_without_settings),
        cmocka_unit_test(inline_settings_precede_all_others),
        IN_DIRECTORY(reads_files_again_for_every_run),
        IN_DIRECTORY(rejects_a_file_without_a_secret),
        IN_DIRECTORY(finds_an_entry_of_the_docker_config),
        IN_DIRECTORY(asks_a_helper_for_the_registry),
        IN_DIRECTORY(reads_an_identity_token_of_a_helper),
        IN_DIRECTORY(is_anonymous_if_a_helper_has_no_credentials),
        IN_DIRECTORY(a_helper_that_fails_is_a_failure),
        IN_DIRECTORY(does_not_wait_longer_than_the_run),
        IN_DIRECTORY(runs_no_helper_with_an_invalid_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
