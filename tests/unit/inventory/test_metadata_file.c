/* SPDX-License-Identifier: Apache-2.0 */
/* When a database counts as unchanged, and in whose mount namespace it is. */
#include "inventory/metadata_file.h"

#include "base/clock.h"

#include <fcntl.h>
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

static char path[] = "/tmp/test_metadata_file.XXXXXX";
static char socket_path[64];

static int make_files(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = mkstemp(path), listener = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    close(fd);
    snprintf(socket_path, sizeof(socket_path), "%s.sock", path);
    strcpy(address.sun_path, socket_path);
    return bind(listener, (struct sockaddr *)&address, sizeof(address)) + listen(listener, 9);
}

static int remove_files(void **state)
{
    (void)state;
    return unlink(path) + unlink(socket_path);
}

static void set_age(int64_t age_ns)
{
    int64_t then_ns = clock_unix_ns() - age_ns;
    const struct timespec then = {then_ns / NS_PER_SECOND, then_ns % NS_PER_SECOND};
    const struct timespec times[2] = {then, then};

    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void knows_the_state_of_a_file_without_recent_writes(void **state)
{
    struct metadata_file file;
    struct metadata_mark first, second, written, later;

    (void)state;
    snprintf(file.path, sizeof(file.path), "%s", path);
    set_age(10 * NS_PER_SECOND);
    first = metadata_file_mark(&file);
    second = metadata_file_mark(&file);
    assert_true(first.known && metadata_mark_is_same(&first, &second));
    set_age(NS_PER_SECOND / 10);
    written = metadata_file_mark(&file);
    assert_false(written.known);
    assert_false(metadata_mark_is_same(&written, &written));
    set_age(5 * NS_PER_SECOND);
    later = metadata_file_mark(&file);
    assert_true(later.known);
    assert_false(metadata_mark_is_same(&first, &later));
}

static void finds_the_file_of_the_listener(void **state)
{
    struct metadata_file file;
    char want[128];

    (void)state;
    metadata_file_find(&file, socket_path, path);
    snprintf(want, sizeof(want), "/proc/%d/root%s", (int)getpid(), path);
    assert_string_equal(file.path, want);
    assert_false(metadata_file_is_lost(&file));
    metadata_file_find(&file, socket_path, "/nowhere/at/all");
    assert_true(metadata_file_is_lost(&file));
    assert_false(metadata_file_mark(&file).known);
}

/* Every field counts: a difference in any one of them is a change. */
static void marks_differ_in_any_field(void **state)
{
    const struct metadata_mark mark = {true, 1, 2, 3, 4, 5};
    struct metadata_mark others[] = {mark, mark, mark, mark, mark, mark};

    (void)state;
    others[0].known = false;
    others[1].device++;
    others[2].inode++;
    others[3].size++;
    others[4].modified_ns++;
    others[5].changed_ns++;
    assert_true(metadata_mark_is_same(&mark, &mark));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(metadata_mark_is_same(&mark, &others[i]));
        assert_false(metadata_mark_is_same(&others[i], &mark));
    }
}

static void knows_nothing_of_a_path_that_is_too_long(void **state)
{
    struct metadata_file file = {"x"};
    char long_path[PATH_MAX], long_socket[200];

    (void)state;
    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[0] = '/';
    long_path[sizeof(long_path) - 1] = '\0';
    metadata_file_find(&file, socket_path, long_path);
    assert_string_equal(file.path, "");
    memset(long_socket, 'x', sizeof(long_socket) - 1);
    long_socket[sizeof(long_socket) - 1] = '\0';
    metadata_file_find(&file, long_socket, path);
    assert_string_equal(file.path, "");
}

/* A path of 107 bytes fits into an address, one of 108 does not. */
static void connects_to_a_path_of_the_greatest_length(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    struct metadata_file file;

    (void)state;
    snprintf(address.sun_path, sizeof(address.sun_path), "%s.", path);
    while (strlen(address.sun_path) < sizeof(address.sun_path) - 1)
        strcat(address.sun_path, "x");
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    metadata_file_find(&file, address.sun_path, path);
    assert_string_not_equal(file.path, "");
    assert_int_equal(unlink(address.sun_path), 0);
    close(listener);
}

/* A directory is no database. */
static void knows_nothing_of_other_files(void **state)
{
    const struct metadata_file file = {"/proc"};

    (void)state;
    assert_false(metadata_file_mark(&file).known);
    assert_int_equal(metadata_file_mark(&file).inode, 0);
}

static void knows_nothing_without_a_listener(void **state)
{
    static const char *const sockets[] = {"/nowhere.sock", "", path};
    struct metadata_file file;

    (void)state;
    for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
        metadata_file_find(&file, sockets[i], path);
        assert_string_equal(file.path, "");
        assert_false(metadata_file_is_lost(&file));
        assert_false(metadata_file_mark(&file).known);
    }
    metadata_file_find(&file, socket_path, "");
    assert_string_equal(file.path, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_state_of_a_file_without_recent_writes),
        cmocka_unit_test(finds_the_file_of_the_listener),
        cmocka_unit_test(marks_differ_in_any_field),
        cmocka_unit_test(knows_nothing_of_a_path_that_is_too_long),
        cmocka_unit_test(connects_to_a_path_of_the_greatest_length),
        cmocka_unit_test(knows_nothing_of_other_files),
        cmocka_unit_test(knows_nothing_without_a_listener),
    };

    return cmocka_run_group_tests(tests, make_files, remove_files);
}
