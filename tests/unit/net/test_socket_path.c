/* SPDX-License-Identifier: Apache-2.0 */
/* Where a daemon's socket is, and the cause of a failed connection. */
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
#include <unistd.h>

#include <cmocka.h>

static void prefers_the_configuration_to_the_environment(void **state)
{
    (void)state;
    setenv("CONTAINERD_ADDRESS", "unix:///env.sock", 1);
    assert_string_equal(socket_path_find("/a.sock"), "/a.sock");
    assert_string_equal(socket_path_find("unix:///a.sock"), "/a.sock");
    assert_string_equal(socket_path_find(""), "/env.sock");
    setenv("CONTAINERD_ADDRESS", "", 1);
    assert_non_null(strstr(socket_path_find(""), "containerd.sock"));
    unsetenv("CONTAINERD_ADDRESS");
    assert_non_null(strstr(socket_path_find(""), "containerd.sock"));
}

static void names_the_cause_of_a_failed_connection(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char directory[] = "/tmp/test_socket_path.XXXXXX", path[64], cause[200];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/socket", directory);
    assert_true(socket_path_try(path, "Docker", cause, sizeof(cause)));
    assert_string_equal(cause, "no such socket");
    strcpy(address.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_true(socket_path_try(path, "Docker", cause, sizeof(cause)));
    assert_string_equal(cause,
                        "no process listens (Docker is not running, or this is not a socket)");
    assert_int_equal(listen(fd, 8), 0);
    assert_true(socket_path_try(path, "Docker", cause, sizeof(cause)));
    assert_string_equal(cause, "");
    snprintf(path, sizeof(path), "%s/socket/x", directory);
    assert_true(socket_path_try(path, "Docker", cause, sizeof(cause)));
    assert_string_equal(cause, "Not a directory");
    close(fd);
    unlink(address.sun_path);
    rmdir(directory);
}

static void says_which_rights_are_missing(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char directory[] = "/tmp/test_socket_path.XXXXXX", cause[200];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(chmod(address.sun_path, 0), 0);
    assert_true(socket_path_try(address.sun_path, "Docker", cause, sizeof(cause)));
    if (geteuid() != 0) /* root may connect */
        assert_non_null(strstr(cause, "permission denied"));
    close(fd);
    unlink(address.sun_path);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefers_the_configuration_to_the_environment),
        cmocka_unit_test(names_the_cause_of_a_failed_connection),
        cmocka_unit_test(says_which_rights_are_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
