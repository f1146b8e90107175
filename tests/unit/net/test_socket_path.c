/* SPDX-License-Identifier: Apache-2.0 */
/* The address of a daemon's socket, and the cause of a failed connection. */
#include "net/socket_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define BYTES_20  "xxxxxxxxxxxxxxxxxxxx"
#define BYTES_107 "/bytes/" BYTES_20 BYTES_20 BYTES_20 BYTES_20 BYTES_20

static void reads_the_spellings_of_clients(void **state)
{
    static const struct {
        const char *address, *path; /* NULL: invalid */
    } rows[] = {
        {"/a.sock", "/a.sock"},
        {"unix:///a.sock", "/a.sock"},
        {"unix:/a.sock", "/a.sock"},
        {"unix:////a.sock", "//a.sock"},
        {"UNIX:///a.sock", "/a.sock"},
        {"/a b\xc3\xa4%20.sock", "/a b\xc3\xa4%20.sock"},
        {"/unix:/a.sock", "/unix:/a.sock"},
        {BYTES_107, BYTES_107},
        {"unix:" BYTES_107, BYTES_107},
        {"unix://" BYTES_107, BYTES_107},
        {BYTES_107 "x", NULL},
        {"unix://" BYTES_107 "x", NULL},
        {"", NULL},
        {"a.sock", NULL},
        {"./a.sock", NULL},
        {" /a.sock", NULL},
        {"unix:", NULL},
        {"unix://", NULL},
        {"unix:a.sock", NULL},
        {"unix://a.sock", NULL},
        {"unix://host/a.sock", NULL},
        {"unix-abstract:a", NULL},
        {"@a", NULL},
        {"tcp://127.0.0.1:2375", NULL},
        {"tcp:///a.sock", NULL},
        {"http://localhost/a.sock", NULL},
        {"npipe:////./pipe/containerd", NULL},
        {"fd://", NULL},
        {"ssh://host/a.sock", NULL},
    };
    char path[SOCKET_PATH_BYTES];

    (void)state;
    assert_int_equal(strlen(BYTES_107), SOCKET_PATH_BYTES - 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error err = {0};

        if (socket_path_parse(rows[i].address, path, &err) != (rows[i].path != NULL))
            fail_msg("%s: %s", rows[i].address, err.message);
        if (rows[i].path)
            assert_string_equal(path, rows[i].path);
        else
            assert_int_equal(err.code, ERROR_INVALID);
    }
}

static void names_the_cause_of_a_failed_connection(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char directory[] = "/tmp/test_socket_path.XXXXXX", path[64], cause[200];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/socket", directory);
    assert_int_equal(socket_path_try(path, "Docker", cause, sizeof(cause)), SOCKET_MISSING);
    assert_string_equal(cause, "no such socket");
    assert_int_equal(socket_path_try(directory, "Docker", cause, sizeof(cause)), SOCKET_REFUSES);
    strcpy(address.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(socket_path_try(path, "Docker", cause, sizeof(cause)), SOCKET_REFUSES);
    assert_string_equal(cause,
                        "no process listens (Docker is not running, or this is not a socket)");
    assert_int_equal(listen(fd, 0), 0);
    for (size_t i = 0; i < 3; i++) { /* a daemon that hangs accepts nothing: no wait */
        assert_int_equal(socket_path_try(path, "Docker", cause, sizeof(cause)), SOCKET_LISTENS);
        assert_string_equal(cause, "");
    }
    snprintf(path, sizeof(path), "%s/socket/x", directory);
    assert_int_equal(socket_path_try(path, "Docker", cause, sizeof(cause)), SOCKET_MISSING);
    assert_string_equal(cause, "Not a directory");
    close(fd);
    unlink(address.sun_path);
    rmdir(directory);
}

/* In a child that is not root, because root may connect to every socket. */
static enum socket_state state_for_nobody(const char *path)
{
    char cause[200];
    int status;
    pid_t child = fork();

    if (child == 0) {
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(100);
        _exit((int)socket_path_try(path, "Docker", cause, sizeof(cause)));
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return (enum socket_state)WEXITSTATUS(status);
}

static void tells_a_denied_socket_from_a_dead_one(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char directory[] = "/tmp/test_socket_path.XXXXXX";
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chmod(directory, 0755), 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(chmod(address.sun_path, 0), 0);
    assert_int_equal(state_for_nobody(address.sun_path), SOCKET_DENIED);
    assert_int_equal(chmod(address.sun_path, 0666), 0);
    assert_int_equal(state_for_nobody(address.sun_path), SOCKET_LISTENS);
    assert_int_equal(chmod(directory, 0), 0); /* nor may it see what is in there */
    assert_int_equal(state_for_nobody(address.sun_path), SOCKET_DENIED);
    close(fd);
    assert_int_equal(chmod(directory, 0755), 0);
    unlink(address.sun_path);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_spellings_of_clients),
        cmocka_unit_test(names_the_cause_of_a_failed_connection),
        cmocka_unit_test(tells_a_denied_socket_from_a_dead_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
