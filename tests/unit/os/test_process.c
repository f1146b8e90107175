/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that succeed, hang, write too much, die, and leave children behind. */
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

#define LONG_NS  (60 * NS_PER_SECOND) /* no test takes so long, even on a slow machine */
#define SHORT_NS (100 * NS_PER_MS)

struct outcome {
    struct buf out, failure;
    struct error err;
    bool ok;
};

static void outcome_deinit(struct outcome *outcome)
{
    buf_deinit(&outcome->out);
    buf_deinit(&outcome->failure);
}

static struct outcome run_call(const struct process_call *call, size_t limit, int64_t deadline_ns)
{
    struct outcome outcome = {.out = BUF_INIT(limit), .failure = BUF_INIT(limit)};
    struct cancel cancel;

    cancel_init(&cancel, deadline_ns);
    outcome.ok = process_run(call, &outcome.out, &outcome.failure, &cancel, &outcome.err);
    cancel_deinit(&cancel);
    return outcome;
}

static struct outcome run_script(const char *script, size_t limit)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    const struct process_call call = {.argv = argv, .input = "hello\n", .input_bytes = 6};

    return run_call(&call, limit, clock_now_ns() + LONG_NS);
}

static const char *text(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

static void passes_input_and_output(void **state)
{
    CLEANUP(outcome_deinit)
    struct outcome got = run_script("read word; echo \"$word world\"; echo oops >&2", 1000);

    (void)state;
    assert_true(got.ok);
    assert_string_equal(text(&got.out), "hello world\n");
    assert_string_equal(text(&got.failure), "oops\n");
}

static void takes_a_long_output_and_a_full_input(void **state)
{
    static char input[PROCESS_INPUT_MAX + 1];
    const char *const argv[] = {"sh", "-c", "cat; cat /dev/zero | head -c 300000", NULL};
    struct process_call call = {.argv = argv, .input = input, .input_bytes = PROCESS_INPUT_MAX};

    (void)state;
    memset(input, 'x', sizeof(input));
    CLEANUP(outcome_deinit)
    struct outcome got = run_call(&call, (size_t)1 << 20, clock_now_ns() + LONG_NS);
    assert_true(got.ok);
    assert_int_equal(got.out.size, 300000 + PROCESS_INPUT_MAX);
    assert_memory_equal(got.out.data, input, PROCESS_INPUT_MAX);
    call.input_bytes++;
    CLEANUP(outcome_deinit) struct outcome more = run_call(&call, 100, clock_now_ns() + LONG_NS);
    assert_false(more.ok);
    assert_int_equal(more.err.code, ERROR_LIMIT);
    assert_string_equal(more.err.message, "more than 4096 bytes for sh");
}

static void ignores_unread_input(void **state)
{
    CLEANUP(outcome_deinit) struct outcome got = run_script("exec <&-; echo done", 1000);

    (void)state;
    assert_true(got.ok);
    assert_string_equal(text(&got.out), "done\n");
}

static void reports_exit_status_and_signal(void **state)
{
    static const struct {
        const char *script, *message, *out;
        int status;
    } rows[] = {
        {"echo secret; exit 3", "sh: exit status 3", "secret\n", 3},
        {"kill -9 $$", "sh: killed by signal 9", "", 0},
        {"kill -15 $$", "sh: killed by signal 15", "", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(outcome_deinit) struct outcome got = run_script(rows[i].script, 1000);

        assert_false(got.ok);
        assert_int_equal(got.err.code, ERROR_INTERNAL);
        assert_int_equal(got.err.status, rows[i].status);
        assert_int_equal(got.err.status_kind, rows[i].status ? STATUS_EXIT : STATUS_NONE);
        assert_string_equal(got.err.message, rows[i].message);
        assert_string_equal(text(&got.out), rows[i].out);
    }
}

static void rejects_programs_that_do_not_exist(void **state)
{
    static const char *const names[] = {"/nonexistent/program", "no-such-program-anywhere",
                                        "/etc/passwd", "/etc", "/etc/passwd/x"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *const argv[] = {names[i], NULL};
        const struct process_call call = {.argv = argv};
        CLEANUP(outcome_deinit)
        struct outcome got = run_call(&call, 100, clock_now_ns() + LONG_NS);

        assert_false(got.ok);
        assert_int_equal(got.err.code, ERROR_INVALID);
        assert_non_null(strstr(got.err.message, names[i]));
    }
}

static void does_not_run_text_files_in_a_shell(void **state)
{
    char path[] = "/tmp/test_process.XXXXXX";
    const char *const argv[] = {path, NULL};
    const struct process_call call = {.argv = argv};
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "echo ran\n", 9), 9);
    assert_int_equal(fchmod(fd, 0700), 0);
    close(fd);
    CLEANUP(outcome_deinit) struct outcome got = run_call(&call, 100, clock_now_ns() + LONG_NS);
    unlink(path);
    assert_false(got.ok);
    assert_int_equal(got.err.code, ERROR_INVALID);
    assert_string_equal(text(&got.out), "");
}

static void joins_the_environment(void **state)
{
    const char *const argv[] = {"sh", "-c", "echo \"$ONE $TWO $KEPT\"", NULL};
    const char *const env[] = {"ONE=first", "TWO=2", "ONE=1", NULL};
    const struct process_call call = {.argv = argv, .env = env};

    (void)state;
    assert_int_equal(setenv("TWO", "ours", 1), 0);
    assert_int_equal(setenv("KEPT", "kept", 1), 0);
    CLEANUP(outcome_deinit) struct outcome got = run_call(&call, 100, clock_now_ns() + LONG_NS);
    assert_true(got.ok);
    assert_string_equal(text(&got.out), "1 2 kept\n");
}

static void rejects_too_much_output(void **state)
{
    CLEANUP(outcome_deinit) struct outcome got = run_script("exec cat /dev/zero", 100000);

    (void)state;
    assert_false(got.ok);
    assert_int_equal(got.err.code, ERROR_LIMIT);
    assert_string_equal(got.err.message, "sh: stdout: more than 100000 bytes");
}

/* The program has ended before its output is read. */
static void rejects_too_much_output_at_the_end(void **state)
{
    CLEANUP(outcome_deinit) struct outcome got = run_script("echo 0123456789", 10);

    (void)state;
    assert_false(got.ok);
    assert_int_equal(got.err.code, ERROR_LIMIT);
    assert_string_equal(got.err.message, "sh: stdout: more than 10 bytes");
}

static void limits_the_environment(void **state)
{
    const char *const argv[] = {"true", NULL};
    static const char *env[4100];
    const struct process_call call = {.argv = argv, .env = env};
    size_t ours = 0;

    (void)state;
    while (environ[ours])
        ours++;
    for (size_t i = 0; i + ours < 4096; i++)
        env[i] = "A=b";
    CLEANUP(outcome_deinit) struct outcome got = run_call(&call, 10, clock_now_ns() + LONG_NS);
    assert_true(got.ok);
    env[4096 - ours] = "A=b";
    CLEANUP(outcome_deinit) struct outcome more = run_call(&call, 10, clock_now_ns() + LONG_NS);
    assert_false(more.ok);
    assert_int_equal(more.err.code, ERROR_LIMIT);
    assert_string_equal(more.err.message, "more than 4096 environment variables");
}

static void replaces_only_the_same_variable(void **state)
{
    const char *const argv[] = {"sh", "-c", "echo \"$NAME $NAMES\"", NULL};
    const char *const env[] = {"NAM=x", "NAME=1", NULL};
    const struct process_call call = {.argv = argv, .env = env};

    (void)state;
    assert_int_equal(setenv("NAMES", "kept", 1), 0);
    CLEANUP(outcome_deinit) struct outcome got = run_call(&call, 100, clock_now_ns() + LONG_NS);
    assert_true(got.ok);
    assert_string_equal(text(&got.out), "1 kept\n");
}

static void keeps_the_beginning_of_stderr(void **state)
{
    CLEANUP(outcome_deinit)
    struct outcome got = run_script("head -c 300000 /dev/zero | tr '\\0' e >&2; exit 1", 1000);

    (void)state;
    assert_false(got.ok);
    assert_int_equal(got.err.code, ERROR_INTERNAL);
    assert_int_equal(got.failure.size, 1000);
    assert_int_equal(got.failure.data[999], 'e');
}

/* Waits until the process is gone or a zombie: init may be slow to reap it. */
static bool dies(pid_t pid)
{
    for (int i = 0; i < 600; i++) {
        char path[64], line[512] = "";
        FILE *file;
        const char *at;

        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        file = fopen(path, "re");
        if (!file)
            return true;
        at = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
        fclose(file);
        if (!at || at[2] == 'Z' || at[2] == 'X')
            return true;
        usleep(50000);
    }
    return false;
}

static void does_not_wait_for_grandchildren(void **state)
{
    CLEANUP(outcome_deinit) struct outcome got = run_script("sleep 1000 & echo $!", 1000);

    (void)state;
    assert_true(got.ok);
    assert_true(dies((pid_t)strtol(text(&got.out), NULL, 10)));
}

static void kills_a_hanging_program_and_its_children(void **state)
{
    const char *const argv[] = {"sh", "-c", "sleep 1000 & echo $!; trap '' TERM; wait", NULL};
    const struct process_call call = {.argv = argv, .timeout_ns = SHORT_NS};
    const struct process_call endless = {.argv = argv};

    (void)state;
    CLEANUP(outcome_deinit) struct outcome got = run_call(&call, 1000, clock_now_ns() + LONG_NS);
    assert_false(got.ok);
    assert_int_equal(got.err.code, ERROR_TIMEOUT);
    if (got.out.size > 0) /* on a slow machine it may not have written yet */
        assert_true(dies((pid_t)strtol(got.out.data, NULL, 10)));
    CLEANUP(outcome_deinit)
    struct outcome second = run_call(&endless, 1000, clock_now_ns() + SHORT_NS);
    assert_false(second.ok);
    assert_int_equal(second.err.code, ERROR_TIMEOUT);
}

static void does_not_start_after_the_deadline(void **state)
{
    const char *const argv[] = {"true", NULL};
    const struct process_call call = {.argv = argv};
    CLEANUP(outcome_deinit) struct outcome got = run_call(&call, 100, clock_now_ns());

    (void)state;
    assert_false(got.ok);
    assert_int_equal(got.err.code, ERROR_TIMEOUT);
}

struct waiting {
    struct cancel cancel;
    struct error err;
    bool ok;
};

static void *wait_for_cancel(void *arg)
{
    struct waiting *waiting = arg;
    const char *const argv[] = {"sleep", "1000", NULL};
    const struct process_call call = {.argv = argv};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT(100);

    waiting->ok = process_run(&call, &out, NULL, &waiting->cancel, &waiting->err);
    return NULL;
}

static void is_woken_by_cancel(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) { /* before it starts, and while it runs */
        struct waiting waiting;
        pthread_t thread;

        cancel_init(&waiting.cancel, clock_now_ns() + LONG_NS);
        assert_int_equal(pthread_create(&thread, NULL, wait_for_cancel, &waiting), 0);
        usleep((useconds_t)i * 20000);
        cancel_now(&waiting.cancel);
        pthread_join(thread, NULL);
        assert_false(waiting.ok);
        assert_int_equal(waiting.err.code, ERROR_CANCELED);
        cancel_deinit(&waiting.cancel);
    }
}

static void passes_only_three_descriptors(void **state)
{
    int leak = open("/dev/null", O_RDONLY); /* not close-on-exec */
    CLEANUP(outcome_deinit) struct outcome got = run_script("ls /proc/$$/fd", 1000);

    (void)state;
    assert_true(leak >= 0);
    close(leak);
    assert_true(got.ok);
    assert_string_equal(text(&got.out), "0\n1\n2\n");
}

/* The hexadecimal value of a line of /proc/PID/status, without real-time signals: the C library
 * uses those. */
static unsigned long long signals_of(const char *status, const char *line)
{
    const char *at = strstr(status, line);

    assert_non_null(at);
    return strtoull(at + strlen(line), NULL, 16) & 0x7fffffff;
}

static void resets_signals(void **state)
{
    sigset_t set, before;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    sigfillset(&set);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    CLEANUP(outcome_deinit) struct outcome got = run_script("exec cat /proc/self/status", 10000);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    signal(SIGPIPE, SIG_DFL);
    assert_true(got.ok);
    assert_int_equal(signals_of(got.out.data, "SigBlk:"), 0);
    assert_int_equal(signals_of(got.out.data, "SigIgn:"), 0);
}

/* The parent may have closed 0, 1 and 2. */
static void works_without_standard_descriptors(void **state)
{
    pid_t pid = fork();
    int status = 0;

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0) {
        const char *const argv[] = {"/bin/sh", "-c", "read w; echo \"$w\"; echo e >&2", NULL};
        const struct process_call call = {.argv = argv, .input = "hello\n", .input_bytes = 6};
        struct outcome got;

        for (int fd = 0; fd < 3; fd++)
            close(fd);
        got = run_call(&call, 100, clock_now_ns() + LONG_NS);
        _exit(got.ok && strcmp(text(&got.out), "hello\n") == 0 &&
                      strcmp(text(&got.failure), "e\n") == 0
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static size_t count_fds(void)
{
    size_t n = 0;

    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) != -1;
    return n;
}

static void *run_many(void *arg)
{
    int *failures = arg;

    for (int i = 0; i < 20; i++) {
        const char *const argv[] = {"sh", "-c", i % 2 == 0 ? "cat" : "cat; exit 1", NULL};
        const struct process_call call = {.argv = argv, .input = "word", .input_bytes = 4};
        CLEANUP(outcome_deinit)
        struct outcome got = run_call(&call, 100, clock_now_ns() + LONG_NS);

        *failures += got.ok != (i % 2 == 0) || strcmp(text(&got.out), "word") != 0;
    }
    return NULL;
}

static void parallel_runs_leave_nothing_behind(void **state)
{
    size_t n_fds = count_fds();
    pthread_t threads[8];
    int failures[8] = {0};

    (void)state;
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_many, &failures[i]), 0);
    for (size_t i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(failures[i], 0);
    }
    assert_int_equal(count_fds(), n_fds);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child, no zombie */
    assert_int_equal(errno, ECHILD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_input_and_output),
        cmocka_unit_test(takes_a_long_output_and_a_full_input),
        cmocka_unit_test(ignores_unread_input),
        cmocka_unit_test(reports_exit_status_and_signal),
        cmocka_unit_test(rejects_programs_that_do_not_exist),
        cmocka_unit_test(does_not_run_text_files_in_a_shell),
        cmocka_unit_test(joins_the_environment),
        cmocka_unit_test(rejects_too_much_output),
        cmocka_unit_test(rejects_too_much_output_at_the_end),
        cmocka_unit_test(limits_the_environment),
        cmocka_unit_test(replaces_only_the_same_variable),
        cmocka_unit_test(keeps_the_beginning_of_stderr),
        cmocka_unit_test(does_not_wait_for_grandchildren),
        cmocka_unit_test(kills_a_hanging_program_and_its_children),
        cmocka_unit_test(does_not_start_after_the_deadline),
        cmocka_unit_test(is_woken_by_cancel),
        cmocka_unit_test(passes_only_three_descriptors),
        cmocka_unit_test(resets_signals),
        cmocka_unit_test(works_without_standard_descriptors),
        cmocka_unit_test(parallel_runs_leave_nothing_behind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
