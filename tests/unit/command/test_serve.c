/* SPDX-License-Identifier: Apache-2.0 */
/* The exporter in a child process: start, reload, stop. No daemon is needed. */
#include "command/command.h"

#include "base/clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_NS \
    (120 * NS_PER_SECOND) /* for a busy machine; a test that passes never waits so long */

static char config_path[64], log_path[64], log_text[20000];
static pid_t child;

static void write_config(const char *text)
{
    FILE *file = fopen(config_path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_files(void **state)
{
    int config, log;

    (void)state;
    strcpy(config_path, "/tmp/test_serve.yml.XXXXXX");
    strcpy(log_path, "/tmp/test_serve.log.XXXXXX");
    config = mkstemp(config_path);
    log = mkstemp(log_path);
    assert_true(config >= 0 && log >= 0);
    close(config);
    close(log);
    write_config("containerd: {address: /nonexistent/containerd.sock}\n");
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    child = 0;
    unlink(config_path);
    unlink(log_path);
    return 0;
}

/* Starts the exporter with `flag` in a child process, which logs into the file. */
static void start(const char *flag)
{
    char config[100];
    const char *argv[] = {"containerd_exporter",
                          config,
                          "--web.listen-address=127.0.0.1:0",
                          "--config.auto-reload-interval=1s",
                          "--collector.disable-defaults",
                          flag,
                          NULL};

    snprintf(config, sizeof(config), "--config.file=%s", config_path);
    child = fork();
    assert_true(child >= 0);
    if (child > 0)
        return;
    if (!freopen(log_path, "w", stderr))
        _exit(99);
    _exit(command_find("")->run(6, (char **)argv));
}

static const char *read_log(void)
{
    FILE *file = fopen(log_path, "r");

    log_text[file ? fread(log_text, 1, sizeof(log_text) - 1, file) : 0] = '\0';
    if (file)
        fclose(file);
    return log_text;
}

static void wait_for_log(const char *text)
{
    int64_t end_ns = clock_now_ns() + WAIT_NS;

    while (!strstr(read_log(), text)) {
        if (clock_now_ns() > end_ns)
            fail_msg("no \"%s\" in: %s", text, log_text);
        usleep(10000);
    }
}

static int wait_for_end(void)
{
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    child = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void serves_until_a_signal(void **state)
{
    (void)state;
    start("--log.level=info");
    wait_for_log("Listening on");
    assert_non_null(strstr(read_log(), "msg=\"Starting containerd_exporter\" version="));
    assert_non_null(strstr(read_log(), "msg=\"Build context\""));
    assert_non_null(strstr(read_log(), "using containerd at /nonexistent/containerd.sock"));
    kill(child, SIGTERM);
    assert_int_equal(wait_for_end(), 0);
    assert_non_null(strstr(read_log(), "Terminated, stopping"));
}

static void reloads_on_sighup_and_keeps_the_old_configuration(void **state)
{
    (void)state;
    start("--log.level=info");
    wait_for_log("Listening on");
    kill(child, SIGHUP);
    wait_for_log("reloaded the configuration");
    write_config("containerd: {adress: /x}\n");
    kill(child, SIGHUP);
    wait_for_log("reload failed, the old configuration stays in force: ");
    kill(child, SIGINT);
    assert_int_equal(wait_for_end(), 0);
}

static void reloads_a_changed_file_if_enabled(void **state)
{
    (void)state;
    start("--config.enable-auto-reload");
    wait_for_log("Listening on");
    write_config("containerd: {address: /nonexistent/other.sock}\n");
    wait_for_log("using containerd at /nonexistent/other.sock");
    wait_for_log("reloaded the configuration");
    kill(child, SIGTERM);
    assert_int_equal(wait_for_end(), 0);
}

static void fails_with_a_bad_configuration(void **state)
{
    (void)state;
    write_config("containerd: {adress: /x}\n");
    start("--log.level=error");
    assert_int_equal(wait_for_end(), 1);
    assert_non_null(strstr(read_log(), "level=ERROR"));
    assert_null(strstr(read_log(), "Listening on"));
}

static void fails_without_its_web_configuration(void **state)
{
    (void)state;
    start("--web.config.file=/nonexistent/web.yml");
    assert_int_equal(wait_for_end(), 1);
    assert_non_null(strstr(read_log(), "/nonexistent/web.yml"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_files, remove_files)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(serves_until_a_signal),
        TEST(reloads_on_sighup_and_keeps_the_old_configuration),
        TEST(reloads_a_changed_file_if_enabled),
        TEST(fails_with_a_bad_configuration),
        TEST(fails_without_its_web_configuration),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
