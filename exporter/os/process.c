/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posix_spawn() and a poll loop. The loop waits for the end of the child, not of its output,
 * because a grandchild may keep the pipes open. The child is reaped only after its group is killed,
 * so that the kernel cannot reuse the id of the group.
 */
#include "os/process.h"

#include "base/clock.h"
#include "os/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIECE_BYTES     4096
#define LAST_READS_MAX  512 /* pieces after the end of the child: more than a pipe can hold */
#define ENVIRONMENT_MAX ((size_t)4096)
#define POLL_MS         50 /* without pidfd: Linux before 5.3 */
#define FIRST_OTHER_FD  3

struct child {
    pid_t pid;    /* 0: not started, or reaped */
    int pidfd;    /* -1: not supported */
    int out, err; /* our ends of its pipes; -1 at end of file */
    int wake;     /* cancel_now() writes here */
    int64_t deadline_ns;
};

/* The ends of the pipes that the child gets. */
struct ends {
    int in, out, err;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void ends_close(struct ends *ends)
{
    close_fd(&ends->in);
    close_fd(&ends->out);
    close_fd(&ends->err);
}

/* Kills the group and reaps the child. False if another thread has reaped it. */
static bool child_reap(struct child *child, int *status)
{
    pid_t reaped;

    kill(-child->pid, SIGKILL);
    do
        reaped = waitpid(child->pid, status, 0);
    while (reaped < 0 && errno == EINTR);
    child->pid = 0;
    return reaped > 0;
}

static void child_deinit(struct child *child)
{
    int status;

    if (child->pid > 0)
        child_reap(child, &status);
    close_fd(&child->pidfd);
    close_fd(&child->out);
    close_fd(&child->err);
    close_fd(&child->wake);
}

static bool open_pipe(int *read_end, int *write_end, struct error *err)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0)
        return error_errno(err, errno, "pipe");
    *read_end = fds[0];
    *write_end = fds[1];
    return true;
}

/* Writes the whole input before the child starts. It fits into the pipe, so this does not block. */
static bool open_input(const struct process_call *call, struct ends *ends, struct error *err)
{
    int write_end = -1;
    ssize_t n = 0;
    bool ok = open_pipe(&ends->in, &write_end, err);

    if (ok && call->input_bytes > 0)
        n = write(write_end, call->input, call->input_bytes);
    if (ok && n != (ssize_t)call->input_bytes)
        ok = error_errno(err, errno, "pipe");
    close_fd(&write_end);
    return ok;
}

static bool open_output(int *ours, int *theirs, struct error *err)
{
    if (!open_pipe(ours, theirs, err))
        return false;
    return fcntl(*ours, F_SETFL, O_NONBLOCK) == 0 || error_errno(err, errno, "pipe");
}

static bool is_same_variable(const char *a, const char *b)
{
    size_t size = strcspn(a, "=");

    return strncmp(a, b, size) == 0 && b[size] == '=';
}

static bool is_replaced(const char *variable, const char *const *env)
{
    for (; env && *env; env++)
        if (is_same_variable(*env, variable))
            return true;
    return false;
}

/* Returns an array of the existing strings. The last one of equal names counts. */
static const char **join_environment(const char *const *env, struct error *err)
{
    size_t count = 0, n = 0;
    const char **joined;

    for (char **at = environ; *at; at++)
        count++;
    for (const char *const *at = env; at && *at; at++)
        count++;
    if (count > ENVIRONMENT_MAX) {
        error_set(err, ERROR_LIMIT, "more than %zu environment variables", ENVIRONMENT_MAX);
        return NULL;
    }
    joined = calloc(count + 1, sizeof(*joined));
    for (char **at = environ; joined && *at; at++)
        if (!is_replaced(*at, env))
            joined[n++] = *at;
    for (const char *const *at = env; joined && at && *at; at++)
        if (!is_replaced(*at, at + 1))
            joined[n++] = *at;
    if (!joined)
        error_memory(err);
    return joined;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setpgroup(attributes, 0);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                    POSIX_SPAWN_SETPGROUP);
}

static int set_actions(posix_spawn_file_actions_t *actions, const struct ends *ends)
{
    int failed = posix_spawn_file_actions_adddup2(actions, ends->in, STDIN_FILENO);

    if (failed == 0)
        failed = posix_spawn_file_actions_adddup2(actions, ends->out, STDOUT_FILENO);
    if (failed == 0)
        failed = posix_spawn_file_actions_adddup2(actions, ends->err, STDERR_FILENO);
    if (failed == 0)
        failed = posix_spawn_file_actions_addclosefrom_np(actions, FIRST_OTHER_FD);
    return failed;
}

/* Returns an errno. */
static int spawn(const struct process_call *call, const struct ends *ends, const char **env,
                 pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char program[PATH_MAX];
    int failed = rootfs_program(call->argv[0], program);

    if (failed == 0)
        failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0)
        return failed;
    failed = posix_spawnattr_init(&attributes);
    if (failed == 0) {
        failed = set_attributes(&attributes);
        if (failed == 0)
            failed = set_actions(&actions, ends);
        if (failed == 0)
            failed =
                posix_spawnp(pid, program, &actions, &attributes,
                             (char *const *)(uintptr_t)call->argv, (char *const *)(uintptr_t)env);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* The kernel reports a missing interpreter as if the program itself was missing. */
static bool lacks_interpreter(const char *program, int failed)
{
    struct stat status;

    return failed == ENOENT && strchr(program, '/') && rootfs_stat(program, &status) == 0;
}

static bool reject_program(const char *program, int failed, struct error *err)
{
    if (lacks_interpreter(program, failed))
        return error_set(err, ERROR_INVALID,
                         "%s: its interpreter or dynamic loader does not exist where the exporter "
                         "runs",
                         program);
    error_errno(err, failed, "%s", program);
    if (failed == ENOENT || failed == EACCES || failed == ENOEXEC || failed == ENOTDIR ||
        failed == ELOOP)
        err->code = ERROR_INVALID;
    return false;
}

static bool child_start(struct child *child, const struct process_call *call, struct error *err)
{
    CLEANUP(ends_close) struct ends ends = {-1, -1, -1};
    CLEANUP(freep) const char **env = join_environment(call->env, err);
    pid_t pid = 0;
    int failed;

    if (!env || !open_input(call, &ends, err) || !open_output(&child->out, &ends.out, err) ||
        !open_output(&child->err, &ends.err, err))
        return false;
    failed = spawn(call, &ends, env, &pid);
    if (failed != 0)
        return reject_program(call->argv[0], failed, err);
    child->pid = pid;
    child->pidfd = pidfd_open(pid, 0);
    return true;
}

static bool has_ended(const struct child *child)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid == child->pid;
}

/* Appends as much as fits and never fails. */
static void append_beginning(struct buf *to, const char *data, size_t size)
{
    size_t room = to ? to->limit_bytes - to->size : 0;

    if (room > 0)
        buf_append(to, data, size < room ? size : room);
}

/* Reads one piece of an output; false if there is none. */
static bool read_piece(int *fd, struct buf *out, bool is_failure)
{
    char piece[PIECE_BYTES];
    ssize_t n = *fd < 0 ? 0 : read(*fd, piece, sizeof(piece));

    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_fd(fd);
    if (n > 0 && is_failure)
        append_beginning(out, piece, (size_t)n);
    else if (n > 0)
        buf_append(out, piece, (size_t)n);
    explicit_bzero(piece, sizeof(piece));
    return n > 0;
}

static int wait_ms(const struct child *child, int64_t now_ns)
{
    int64_t ms = (child->deadline_ns - now_ns) / NS_PER_MS + 1;

    if (child->pidfd < 0 && ms > POLL_MS)
        return POLL_MS;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* Reads the outputs until the child ends. False if it must be killed. */
static bool child_follow(struct child *child, struct buf *out, struct buf *failure,
                         struct cancel *cancel, struct error *err)
{
    while (!has_ended(child)) {
        int64_t now_ns = clock_now_ns();
        struct pollfd fds[] = {
            {child->wake, POLLIN, 0},
            {child->pidfd, POLLIN, 0},
            {child->out, POLLIN, 0},
            {child->err, POLLIN, 0},
        };

        if (!cancel_check(cancel, err))
            return false;
        if (now_ns >= child->deadline_ns)
            return error_set(err, ERROR_TIMEOUT, "timeout: still running");
        poll(fds, sizeof(fds) / sizeof(fds[0]), wait_ms(child, now_ns));
        read_piece(&child->out, out, false);
        read_piece(&child->err, failure, true);
        if (!buf_ok(out, err))
            return error_wrap(err, "stdout");
    }
    return true;
}

/* Kills the group, then reads the rest of the outputs. */
static bool child_finish(struct child *child, struct buf *out, struct buf *failure,
                         struct error *err)
{
    int status;
    bool known = child_reap(child, &status);

    for (int i = 0; i < LAST_READS_MAX && read_piece(&child->out, out, false); i++)
        ;
    for (int i = 0; i < LAST_READS_MAX && read_piece(&child->err, failure, true); i++)
        ;
    if (!known)
        return error_set(err, ERROR_INTERNAL,
                         "unknown exit status: another thread has reaped the process");
    if (WIFSIGNALED(status))
        return error_set(err, ERROR_INTERNAL, "killed by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return error_status(err, ERROR_INTERNAL, STATUS_EXIT, WEXITSTATUS(status), "exit status %d",
                            WEXITSTATUS(status));
    return buf_ok(out, err) || error_wrap(err, "stdout");
}

static void wake(void *arg)
{
    const struct child *child = arg;

    eventfd_write(child->wake, 1);
}

static bool run_watched(const struct process_call *call, struct child *child, struct buf *out,
                        struct buf *failure, struct cancel *cancel, struct error *err)
{
    struct cancel_watcher watcher = {.wake = wake, .arg = child};
    bool ok;

    if (!cancel_watch(cancel, &watcher, err))
        return false;
    ok = child_start(child, call, err);
    if (ok)
        ok = (child_follow(child, out, failure, cancel, err) &&
              child_finish(child, out, failure, err)) ||
             error_wrap(err, "%s", call->argv[0]);
    cancel_unwatch(cancel, &watcher);
    return ok;
}

bool process_run(const struct process_call *call, struct buf *out, struct buf *failure,
                 struct cancel *cancel, struct error *err)
{
    CLEANUP(child_deinit) struct child child = {0, -1, -1, -1, -1, cancel->deadline_ns};

    if (call->input_bytes > PROCESS_INPUT_MAX)
        return error_set(err, ERROR_LIMIT, "more than %zu bytes for %s", PROCESS_INPUT_MAX,
                         call->argv[0]);
    if (call->timeout_ns > 0 && call->timeout_ns < child.deadline_ns - clock_now_ns())
        child.deadline_ns = clock_now_ns() + call->timeout_ns;
    child.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (child.wake < 0)
        return error_errno(err, errno, "eventfd");
    return run_watched(call, &child, out, failure, cancel, err);
}
