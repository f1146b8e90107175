/* SPDX-License-Identifier: Apache-2.0 */
/* Plays the part of systemd: a datagram socket, descriptors and environment variables. */
#include "os/systemd.h"

#include "base/clock.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void set_number(const char *name, long long value)
{
    char text[32];

    snprintf(text, sizeof(text), "%lld", value);
    setenv(name, text, 1);
}

/* A socket that receives notifications; `name` as in $NOTIFY_SOCKET. */
static int bind_receiver(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    memcpy(address.sun_path, name, strlen(name));
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
                     0);
    return fd;
}

static void notifies(void **state)
{
    char names[2][80], received[200];

    (void)state;
    snprintf(names[0], sizeof(names[0]), "/tmp/test_systemd.%d", (int)getpid());
    snprintf(names[1], sizeof(names[1]), "@test_systemd.%d", (int)getpid());
    for (size_t i = 0; i < 2; i++) {
        int fd = bind_receiver(names[i]);
        long long usec;
        ssize_t n;

        setenv("NOTIFY_SOCKET", names[i], 1);
        systemd_notify("READY=1\nSTATUS=OK");
        n = recv(fd, received, sizeof(received), 0);
        assert_int_equal(n, strlen("READY=1\nSTATUS=OK"));
        assert_memory_equal(received, "READY=1\nSTATUS=OK", (size_t)n);
        systemd_notify_reloading();
        n = recv(fd, received, sizeof(received) - 1, 0);
        assert_true(n > 0);
        received[n] = '\0';
        assert_int_equal(sscanf(received, "RELOADING=1\nMONOTONIC_USEC=%lld", &usec), 1);
        assert_in_range(clock_now_ns() / 1000 - usec, 0, 60 * 1000000);
        close(fd);
        systemd_notify("READY=1"); /* no receiver: no effect */
    }
    unlink(names[0]);
    unsetenv("NOTIFY_SOCKET");
    systemd_notify("READY=1");
    setenv("NOTIFY_SOCKET", "relative", 1);
    systemd_notify("READY=1");
    unsetenv("NOTIFY_SOCKET");
}

static void knows_the_watchdog(void **state)
{
    (void)state;
    assert_int_equal(systemd_watchdog_ns(), 0);
    setenv("WATCHDOG_USEC", "20000000", 1);
    assert_int_equal(systemd_watchdog_ns(), 20 * NS_PER_SECOND);
    set_number("WATCHDOG_PID", getpid());
    assert_int_equal(systemd_watchdog_ns(), 20 * NS_PER_SECOND);
    set_number("WATCHDOG_PID", getpid() + 1);
    assert_int_equal(systemd_watchdog_ns(), 0);
    unsetenv("WATCHDOG_PID");
    setenv("WATCHDOG_USEC", "18446744073709551615", 1);
    assert_int_equal(systemd_watchdog_ns(), 0);
    setenv("WATCHDOG_USEC", "9223372036854775", 1); /* the most that int64_t has room for */
    assert_int_equal(systemd_watchdog_ns(), INT64_C(9223372036854775000));
    setenv("WATCHDOG_USEC", "9223372036854776", 1);
    assert_int_equal(systemd_watchdog_ns(), 0);
    setenv("WATCHDOG_USEC", "soon", 1);
    assert_int_equal(systemd_watchdog_ns(), 0);
    unsetenv("WATCHDOG_USEC");
}

static int listener(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 1) != 0)
        _exit(100);
    return fd;
}

/* Returns the exit status of `body` in a child process, where it may replace descriptors. */
static int in_child(int (*body)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(body());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int takes_two(void)
{
    struct error err;
    int first = listener(), second = listener(), fds[4];
    size_t count = 0;

    if (dup2(first, 3) != 3 || dup2(second, 4) != 4)
        return 1;
    set_number("LISTEN_PID", getpid());
    set_number("LISTEN_FDS", 2);
    setenv("LISTEN_FDNAMES", "a:b", 1);
    if (!systemd_sockets(fds, 4, &count, &err) || count != 2 || fds[0] != 3 || fds[1] != 4)
        return 2;
    if (!(fcntl(4, F_GETFD) & FD_CLOEXEC) || !(fcntl(4, F_GETFL) & O_NONBLOCK))
        return 3;
    if (getenv("LISTEN_PID") || getenv("LISTEN_FDS") || getenv("LISTEN_FDNAMES"))
        return 4;
    return systemd_sockets(fds, 4, &count, &err) ? 5 : 0;
}

static int rejects_too_many(void)
{
    struct error err;
    int fds[1];
    size_t count;

    set_number("LISTEN_PID", getpid());
    set_number("LISTEN_FDS", 2);
    return systemd_sockets(fds, 1, &count, &err) || err.code != ERROR_LIMIT;
}

static int rejects_a_closed_descriptor(void)
{
    struct error err;
    int fds[1];
    size_t count;

    close(3);
    set_number("LISTEN_PID", getpid());
    set_number("LISTEN_FDS", 1);
    return systemd_sockets(fds, 1, &count, &err) || !strstr(err.message, "descriptor 3: Bad file");
}

static int rejects_sockets_that_do_not_listen(void)
{
    struct error err;
    int fds[1], pair[2];
    size_t count;

    if (pipe(pair) != 0 || dup2(pair[0], 3) != 3)
        return 1;
    set_number("LISTEN_PID", getpid());
    set_number("LISTEN_FDS", 1);
    if (systemd_sockets(fds, 1, &count, &err) || !strstr(err.message, "not a listening"))
        return 2;
    if (dup2(socket(AF_INET, SOCK_STREAM, 0), 3) != 3)
        return 3;
    set_number("LISTEN_PID", getpid());
    set_number("LISTEN_FDS", 1);
    return systemd_sockets(fds, 1, &count, &err) || !strstr(err.message, "not a listening");
}

static void takes_sockets(void **state)
{
    (void)state;
    assert_int_equal(in_child(takes_two), 0);
    assert_int_equal(in_child(rejects_too_many), 0);
    assert_int_equal(in_child(rejects_a_closed_descriptor), 0);
    assert_int_equal(in_child(rejects_sockets_that_do_not_listen), 0);
}

static void fails_without_sockets(void **state)
{
    static const struct {
        const char *pid, *fds; /* "me": of this process */
    } rows[] = {{NULL, NULL}, {"me", NULL}, {NULL, "1"}, {"1", "1"}, {"me", "0"}, {"me", "x"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err;
        int fds[1];
        size_t count;

        if (rows[i].pid && strcmp(rows[i].pid, "me") == 0)
            set_number("LISTEN_PID", getpid());
        else if (rows[i].pid)
            setenv("LISTEN_PID", rows[i].pid, 1);
        if (rows[i].fds)
            setenv("LISTEN_FDS", rows[i].fds, 1);
        assert_false(systemd_sockets(fds, 1, &count, &err));
        assert_string_equal(err.message, "no socket activation file descriptors found");
        assert_null(getenv("LISTEN_FDS"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notifies),
        cmocka_unit_test(knows_the_watchdog),
        cmocka_unit_test(takes_sockets),
        cmocka_unit_test(fails_without_sockets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
